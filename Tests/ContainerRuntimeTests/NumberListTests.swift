import LinuxSystem
import Testing

@testable import ContainerRuntime

@Suite struct `Lists of numbers` {
    private func set(_ numbers: [Int]) -> NumberSet {
        var set = NumberSet()
        for number in numbers { set.insert(number) }
        return set
    }

    @Test(arguments: [
        ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0-1, 7,64", [0, 1, 7, 64]), ("3,3", [3]),
        ("8191", [8191]),
    ])
    func `are single ones and ranges`(_ text: String, _ numbers: [Int]) throws {
        #expect(try NumberList.parse(text) == set(numbers))
        #expect(try NumberList.parse(text).count == Set(numbers).count)
    }

    @Test(arguments: [
        ("", "\"\" is neither a number nor a range; write \"0-3,7\""),
        ("0,", "\"\" is neither a number nor a range; write \"0-3,7\""),
        ("a", "\"a\" is neither a number nor a range; write \"0-3,7\""),
        ("1-", "\"1-\" is neither a number nor a range; write \"0-3,7\""),
        ("-1", "\"-1\" is neither a number nor a range; write \"0-3,7\""),
        ("+1", "\"+1\" is neither a number nor a range; write \"0-3,7\""),
        ("3-1", "\"3-1\" is a range that ends before it begins"),
        ("0-8192", "8192 exceeds the maximum, 8191"),
        (
            "99999999999999999999",
            "\"99999999999999999999\" is neither a number nor a range;"
                + " write \"0-3,7\""
        ),
    ])
    func `say what is wrong with them`(_ text: String, _ sentence: String) {
        #expect {
            _ = try NumberList.parse(text)
        } throws: {
            ($0 as? Failure)?.message == sentence
        }
    }
}

@Suite struct `Checks of placement` {
    static let table: [CheckRow] = [
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "memoryPolicy": {"mode": "MPOL_X", "nodes": "0", "flags": ["MPOL_F_X"]}}
            """#,
            """
            config.json:6:27: linux.memoryPolicy.mode: invalid memory policy mode "MPOL_X"; \
            allowed are MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, \
            MPOL_PREFERRED_MANY, MPOL_WEIGHTED_INTERLEAVE
            config.json:6:61: linux.memoryPolicy.flags[0]: invalid memory policy flag \
            "MPOL_F_X"; allowed are MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, \
            MPOL_F_STATIC_NODES
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "memoryPolicy": {"mode": "MPOL_DEFAULT", "nodes": "0-7"}}
            """#,
            """
            config.json:6:27: linux.memoryPolicy.mode: memory policy mode requires 0 nodes but \
            got 8; remove "nodes"
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "x"}}
            """#,
            """
            config.json:6:49: linux.memoryPolicy.nodes: invalid memory policy nodes: "x" is \
            neither a number nor a range; write "0-3,7"
            """),
        CheckRow(
            "process",
            #"{"cwd": "/", "args": ["sh"], "execCPUAffinity": {"initial": "2-1", "final": "0"}}"#,
            """
            config.json:3:72: process.execCPUAffinity.initial: bad CPU affinity: "2-1" is a \
            range that ends before it begins
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}], "netDevices":
             {"eth0": {"name": "a/b"}, "eth1": {"name": "x"}, "eth2": {"name": "x"}}}
            """#,
            """
            config.json:6:3: linux.netDevices.eth0: unable to move network devices without a NET \
            namespace; add one of type "network"
            config.json:6:20: linux.netDevices.eth0.name: invalid network device name "a/b"; use \
            1 to 15 bytes without /, : and spaces
            config.json:6:68: linux.netDevices.eth2.name: "x" is the name of two devices in the \
            container; rename one
            """),
    ]

    @Test(arguments: table)
    func `say what is wrong`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
