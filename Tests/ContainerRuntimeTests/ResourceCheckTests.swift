import Testing

@testable import ContainerRuntime

@Suite struct `Checks of resources` {
    /// A document with these limits and what is said about it, without the place.
    struct Row: Sendable, CustomTestStringConvertible {
        let limits: String
        let expected: [String]

        init(_ limits: String, _ expected: String...) {
            self.limits = limits
            self.expected = expected
        }

        var testDescription: String { limits }
    }

    static let wrong: [Row] = [
        Row(
            #""pids": {"limit": -2}"#, "pids.limit: -2 is not a number of processes; -1 is no limit"
        ),
        Row(
            #""memory": {"limit": -2, "swap": -5}"#,
            "memory.limit: -2 is not a number of bytes; -1 is no limit",
            "memory.swap: -5 is not a number of bytes; -1 is no limit"),
        Row(
            #""memory": {"limit": 67108864, "swap": 10}"#,
            "memory.swap: memory+swap limit should be >= memory limit; 10 is below 67108864"),
        Row(#""memory": {"swappiness": 101}"#, "memory.swappiness: 101 is not from 0 to 100"),
        Row(#""memory": 5"#, "memory: 5 is not an object"),
        Row(
            #""memory": {"limit": 1.5}"#,
            "memory.limit: 1.5 is not a whole number from -9223372036854775808 to"
                + " 9223372036854775807"),
        Row(
            #""memory": {"limit": "256M", "swap": "5"}"#,
            #"memory.limit: "256M" is not a whole number from -9223372036854775808 to"#
                + " 9223372036854775807; write 268435456, without quotes",
            #"memory.swap: "5" is not a whole number from -9223372036854775808 to"#
                + " 9223372036854775807; write 5, without quotes"),
        Row(
            #""cpu": {"quota": 999}"#,
            "cpu.quota: 999 is not a quota: the least is 1000 microseconds, -1 is no limit"),
        Row(
            #""cpu": {"period": 1000001}"#,
            "cpu.period: 1000001 is not from 1000 to 1000000 microseconds"),
        Row(
            #""cpu": {"quota": 5000, "burst": 5001}"#,
            "cpu.burst: 5001 is above the quota, 5000"),
        Row(#""cpu": {"idle": 2}"#, "cpu.idle: 2 is neither 0 nor 1"),
        Row(#""cpu": {"cpus": "3-1"}"#, "cpu.cpus: \"3-1\" is not a list of numbers, as 0-3,7"),
        Row(#""cpu": {"mems": "a"}"#, "cpu.mems: \"a\" is not a list of numbers, as 0-3,7"),
        Row(#""blockIO": {"weight": 9}"#, "blockIO.weight: 9 is not from 10 to 1000"),
        Row(
            #""blockIO": {"weightDevice": [{"major": 8, "minor": -1}]}"#,
            "blockIO.weightDevice[0]: needs \"weight\" or \"leafWeight\"",
            "blockIO.weightDevice[0].minor: -1 is not a device's number"),
        Row(
            #""hugepageLimits": [{"pageSize": "2M", "limit": 1}]"#,
            "hugepageLimits[0].pageSize: \"2M\" is not a size of pages; write 64KB, 2MB or 1GB"),
        Row(
            #""devices": [{"allow": true, "type": "x", "access": "rx", "major": -2}]"#,
            "devices[0].type: \"x\" is not a type of devices; allowed are a, b, c",
            "devices[0].access: \"rx\" is not an access to devices; write letters out of rwm",
            "devices[0].major: -2 is not a device's number; they go up to 4294967295"),
        Row(
            #""unified": {"../x.y": "1", "high": "1", "cgroup.procs": "1"}"#,
            "unified[\"../x.y\"]: \"../x.y\" is not a file of a cgroup; write CONTROLLER.PARAMETER, as"
                + " memory.high",
            "unified.high: \"high\" is not a file of a cgroup; write CONTROLLER.PARAMETER, as"
                + " memory.high",
            "unified[\"cgroup.procs\"]: is the runtime's own to write; remove it"),
        Row(
            #""network": {"priorities": [{"name": "", "priority": 1}]}"#,
            "network.priorities[0].name: \"\" is not a network interface"),
        Row(
            #""memory": {"kernel": 5}"#,
            "memory.kernel: has no effect: kernels limit it together with the rest"),
    ]

    @Test(arguments: wrong)
    func `say what is wrong`(_ row: Row) throws {
        let config = ConfigFixture(
            "linux", #"{"namespaces": [{"type": "mount"}], "resources": {\#(row.limits)}}"#)
        let found = try config.diagnostics().map { text in
            text.components(after: "linux.resources.")
        }
        #expect(found == row.expected)
    }

    /// What podman, Docker and containerd write.
    @Test(arguments: [
        #""devices": [{"allow": false, "access": "rwm"}], "memory": {}, "pids": {"limit": 0}"#,
        #""devices": [{"allow": true, "type": "", "major": -1, "minor": -1, "access": "rwm"}]"#,
        #""cpu": {"shares": 0, "quota": -1, "period": 0}, "blockIO": {"weight": 0}"#,
        #""memory": {"limit": 67108864, "swap": -1, "swappiness": 60}, "unified": {}"#,
        #""memory": {"limit": -1, "swap": -1, "reservation": 0, "kernel": 0}"#,
        #""cpu": {"cpus": "", "mems": "", "idle": 0, "burst": 0}, "network": {}"#,
        #""cpu": {"cpus": "0-3,7", "mems": "0"}, "rdma": {}, "hugepageLimits": null"#,
    ])
    func `have nothing against what callers send`(_ limits: String) throws {
        let config = ConfigFixture(
            "linux", #"{"namespaces": [{"type": "mount"}], "resources": {\#(limits)}}"#)
        #expect(try config.diagnostics().isEmpty)
    }
}

extension String {
    /// What stands behind the first `mark`.
    fileprivate func components(after mark: String) -> String {
        var rest = self[...]
        while !rest.isEmpty, !rest.hasPrefix(mark) { rest = rest.dropFirst() }
        return String(rest.dropFirst(mark.count))
    }
}
