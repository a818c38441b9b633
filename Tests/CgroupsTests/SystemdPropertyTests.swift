import DBus
import LinuxSystem
import Testing

@testable import Cgroups

/// `linux.resources` as properties of a unit.
@Suite struct `Limits as properties of a unit` {
    private static let unified = Hierarchies(
        mounts: "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
        memberships: "0::/user.slice")
    private static let version1 = Hierarchies(
        mounts: ["memory", "cpu", "blkio", "pids", "cpuset"].map {
            "30 1 0:26 / /sys/fs/cgroup/\($0) rw - cgroup cgroup rw,\($0)"
        }.joined(separator: "\n"),
        memberships: "5:memory:/\n4:cpu:/\n3:blkio:/\n2:pids:/\n1:cpuset:/")

    private func properties(
        _ json: String, _ hierarchies: Hierarchies = unified, _ current: [String: String] = [:],
        knowsIdle: Bool = true
    ) throws -> [String] {
        try SystemdProperties(
            `Limits in files`.resources(json), hierarchies, current: { current[$0] },
            knowsIdle: knowsIdle
        ).all.map { property in
            switch property.value {
            case .uint64(.max): "\(property.name)=infinity"
            case .uint64(let number): "\(property.name)=\(number)"
            case .array("y", let bytes):
                property.name + "="
                    + bytes.map { if case .byte(let byte) = $0 { "\(byte)" } else { "?" } }.joined(
                        separator: " ")
            default: "\(property.name): \(property.value)"
            }
        }
    }

    @Test func `of memory`() throws {
        #expect(
            try properties(#"{"memory": {"limit": 10, "swap": 30, "reservation": 5}}"#)
                == ["MemoryMax=10", "MemoryLow=5", "MemorySwapMax=20"])
        #expect(
            try properties(#"{"memory": {"limit": -1}}"#)
                == ["MemoryMax=infinity", "MemorySwapMax=infinity"])
        #expect(
            try properties(#"{"memory": {"swap": 30}}"#, Self.unified, ["memory.max": "10"])
                == ["MemorySwapMax=20"])
        #expect(
            try properties(#"{"memory": {"limit": 10, "swap": 30}}"#, Self.version1)
                == ["MemoryLimit=10"])
    }

    @Test func `of the processor`() throws {
        #expect(
            try properties(#"{"cpu": {"shares": 1024, "quota": 20000, "period": 50000}}"#) == [
                "CPUWeight=100", "CPUQuotaPeriodUSec=50000", "CPUQuotaPerSecUSec=400000",
            ])
        // Whole hundredths, rounded up.
        #expect(
            try properties(#"{"cpu": {"quota": 12345}}"#) == ["CPUQuotaPerSecUSec=130000"])
        #expect(
            try properties(#"{"cpu": {"quota": -1}}"#) == ["CPUQuotaPerSecUSec=infinity"])
        #expect(
            try properties(#"{"cpu": {"quota": 9223372036854775807}}"#)
                == ["CPUQuotaPerSecUSec=infinity"])
        #expect(
            try properties(#"{"cpu": {"period": 50000}}"#)
                == ["CPUQuotaPeriodUSec=50000", "CPUQuotaPerSecUSec=infinity"])
        #expect(try properties(#"{"cpu": {"shares": 7}}"#, Self.version1) == ["CPUShares=7"])
        #expect(try properties(#"{"cpu": {"shares": 7, "idle": 1}}"#) == ["CPUWeight=0"])
        #expect(try properties(#"{"cpu": {"idle": 1}}"#, knowsIdle: false) == [])
        #expect(
            try properties(#"{"cpu": {"cpus": "0-2, 9,15", "mems": "0"}}"#)
                == ["AllowedCPUs=7 130", "AllowedMemoryNodes=1"])
    }

    @Test func `of processes and devices that move blocks`() throws {
        #expect(try properties(#"{"pids": {"limit": 0}}"#) == ["TasksMax=1"])
        #expect(try properties(#"{"pids": {"limit": -1}}"#) == ["TasksMax=infinity"])
        #expect(try properties(#"{"blockIO": {"weight": 10}}"#) == ["IOWeight=1"])
        #expect(
            try properties(#"{"blockIO": {"weight": 10}}"#, Self.version1) == ["BlockIOWeight=10"])
    }

    @Test func `of files of version 2, as far as systemd knows them`() throws {
        let files = #"""
            {"unified": {"memory.high": "5", "memory.max": "max", "pids.max": "7",
              "cpu.max": "20000 50000", "cpu.weight": " 50 ", "cpuset.cpus": "1",
              "cpuset.mems": "0", "memory.min": "x", "hugetlb.2MB.max": "0"}}
            """#
        #expect(
            try Set(properties(files)) == [
                "MemoryHigh=5", "MemoryMax=infinity", "TasksMax=7", "CPUQuotaPeriodUSec=50000",
                "CPUQuotaPerSecUSec=400000", "CPUWeight=50", "AllowedCPUs=2",
                "AllowedMemoryNodes=1",
            ])
        #expect(
            try properties(#"{"unified": {"cpu.idle": "1", "cpu.weight": "50"}}"#)
                == ["CPUWeight=0"])
        #expect(
            try properties(#"{"unified": {"cpu.max": "max"}}"#) == ["CPUQuotaPerSecUSec=infinity"])
    }

    @Test(arguments: [
        (#"{"memory.oom.group": "1"}"#, true, ["OOMPolicy=kill"]),
        (#"{"memory.oom.group": "1"}"#, false, []), (#"{"memory.oom.group": "0"}"#, true, []),
    ])
    func `of an end that all share, where systemd has the word`(
        _ unified: String, _ knows: Bool, _ expected: [String]
    ) throws {
        let found = try SystemdProperties(
            `Limits in files`.resources(#"{"unified": \#(unified)}"#), Self.unified,
            knowsIdle: false, knowsPolicy: knows
        ).all.map { property in
            if case .string(let text) = property.value { "\(property.name)=\(text)" } else { "?" }
        }
        #expect(found == expected)
    }

    /// systemd makes no scope without a process in it, which leaves it when the container's is in.
    @Test(
        arguments: [
            (#"{"pids": {"limit": 1}}"#, 1), (#"{"pids": {"limit": 0}}"#, 1),
            (#"{"pids": {"limit": -1}}"#, nil), (#"{"unified": {"pids.max": "1"}}"#, 1),
            (#"{"pids": {"limit": 5}, "unified": {"pids.max": "7"}}"#, 7),
            (#"{"pids": {"limit": 5}, "unified": {"pids.max": "max"}}"#, nil), (#"{}"#, nil),
        ] as [(String, Int64?)])
    func `leave room for one process more, in whichever words the limit is`(
        _ resources: String, _ limit: Int64?
    ) throws {
        #expect(try `Limits in files`.resources(resources).processLimit == limit)
    }

    private static let drivers = """
        Character devices:
          1 mem
        136 pts

        Block devices:
        136 other
        """

    @Test func `of devices`() throws {
        let policy = try DevicePolicy([
            DeviceRule(allows: false, kind: .any),
            DeviceRule(allows: true, kind: .character, access: .make),
            DeviceRule(allows: true, kind: .block, major: 8, minor: 1, access: [.read, .write]),
            DeviceRule(allows: true, kind: .character, major: 136),
            DeviceRule(allows: true, kind: .block, major: 136, access: .read),
            DeviceRule(allows: true, kind: .character, major: 77),
            DeviceRule(allows: true, kind: .character, minor: 5),
        ])
        func pair(_ name: String, _ access: String) -> DBusValue {
            .structure([.string(name), .string(access)])
        }
        #expect(
            SystemdProperties.devices(policy, names: Self.drivers) == [
                SystemdProperty("DevicePolicy", .string("strict")),
                SystemdProperty(
                    "DeviceAllow",
                    .array(
                        of: "(ss)",
                        [
                            pair("char-*", "m"), pair("/dev/block/8:1", "rw"),
                            pair("char-pts", "rwm"), pair("block-other", "r"),
                        ])),
            ])
        let open = try DevicePolicy([DeviceRule(allows: true, kind: .any)])
        #expect(
            SystemdProperties.devices(open, names: "").map(\.value)
                == [.string("auto"), .array(of: "(ss)", [])])
    }
}

/// `org.systemd.property.…`
@Suite struct `A property in an annotation` {
    private func property(_ name: String, _ value: String) -> (String, DBusValue)? {
        let key = "org.systemd.property." + name
        return (try? SystemdProperty(annotation: key, value)).flatMap(\.self).map {
            ($0.name, $0.value)
        }
    }

    @Test(
        arguments: [
            ("'inactive-or-failed'", .string("inactive-or-failed")),
            ("\"a\\\"b\"", .string("a\"b")),
            ("true", .bool(true)), ("false", .bool(false)), ("5", .int32(5)),
            ("-5", .int32(-5)), ("5000000000", .int64(5_000_000_000)), ("0.5", .double(0.5)),
            ("uint64 5", .uint64(5)), ("uint64 18446744073709551615", .uint64(.max)),
            ("byte 0", .byte(0)), ("int16 -1", .int16(-1)), ("@t 7", .uint64(7)),
            ("objectpath '/a'", .objectPath("/a")), ("['a', 'b']", .strings(["a", "b"])),
            ("@as []", .strings([])), ("[uint32 1, 2]", .array(of: "u", [.uint32(1), .uint32(2)])),
            (" ( 'a' , 1 ) ", .structure([.string("a"), .int32(1)])),
            (
                "[('/dev/null', 'rw')]",
                .array(of: "(ss)", [.structure([.string("/dev/null"), .string("rw")])])
            ),
        ] as [(String, DBusValue)]) func `is read as GVariant writes it`(
            _ text: String, _ value: DBusValue
        )
    {
        #expect(property("CollectMode", text)?.1 == value)
    }

    @Test func `of seconds is one of microseconds`() throws {
        let time = try #require(property("TimeoutStopSec", "uint64 5"))
        #expect(time.0 == "TimeoutStopUSec" && time.1 == .uint64(5_000_000))
        #expect(property("TimeoutStopSec", "1.5")?.1 == .uint64(1_500_000))
        #expect(property("TimeoutStopUSec", "uint64 5")?.1 == .uint64(5))
        #expect(property("TimeoutStopSec", "'5'") == nil)
        #expect(property("TimeoutStopSec", "-5") == nil)
    }

    @Test(
        arguments: [
            "", "text", "'open", "[1, 2", "[]", "['a', 1]", "uint64 -1", "byte 300", "1 2", "(1",
            "uint64 'a'", "99999999999999999999999", "@as [1]",
            "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
        ]) func `that is none is an error`(_ text: String)
    {
        #expect(throws: Failure.self) {
            try SystemdProperty(annotation: "org.systemd.property.Test", text)
        }
    }

    @Test func `has a name of letters, and others are none`() throws {
        #expect(throws: Failure.self) {
            try SystemdProperty(annotation: "org.systemd.property.a.b", "1")
        }
        #expect(throws: Failure.self) {
            try SystemdProperty(annotation: "org.systemd.property.", "1")
        }
        #expect(try SystemdProperty(annotation: "org.example", "1") == nil)
    }
}

@Suite struct `A unit's name` {
    private func request(_ path: String?, users: Bool = false) throws -> [String] {
        let request = try SystemdUnitRequest(path: path, name: "web", isUsers: users)
        return [request.slice, request.unit.name]
    }

    @Test func `is made of slice, prefix and name`() throws {
        #expect(try request("a-b.slice:x:y") == ["a-b.slice", "x-y.scope"])
        #expect(try request("::y") == ["system.slice", "y.scope"])
        #expect(try request("::y", users: true) == ["user.slice", "y.scope"])
        #expect(try request(nil) == ["system.slice", "vfs-run-web.scope"])
    }

    @Test(arguments: ["/a/b", "a", "a:b", "a:b:", "a:b:c:d", "a:b:c.slice"])
    func `of another form is an error`(_ path: String) {
        #expect(throws: Failure.self) { try request(path) }
    }
}
