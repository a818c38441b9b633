import JSON
import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

/// `linux.resources` as the files of both versions.
@Suite struct `Limits in files` {
    static func resources(_ json: String) throws -> Resources {
        let diagnostics = Diagnostics(
            try JSONDocument(Array(json.utf8)), file: "resources.json")
        let spec = Spec.Linux.Resources(diagnostics.document.root, diagnostics)
        #expect(diagnostics.all.isEmpty)
        return try #require(spec)
    }

    private func version1(_ json: String) throws -> [String] {
        let resources = try Self.resources(json)
        return try resources.limits { _ in nil }.compactMap { try $0.assignment(isVersion2: false) }
            .map(Self.words)
    }

    private func version2(_ json: String, _ current: [String: String] = [:]) throws -> [String] {
        let resources = try Self.resources(json)
        try Version2.checkUsage(resources.memory) { current[$0] }
        return try resources.limits { current[$0] }
            .compactMap { try $0.assignment(isVersion2: true) }.map(Self.words)
    }

    private static func words(_ assignment: Assignment) -> String {
        assignment.choices.map { "\($0.file)=\($0.value)" }.joined(separator: "|")
            + (assignment.isOptional ? "?" : "")
    }

    /// What callers send without meaning anything by it.
    @Test(arguments: [
        "{}", #"{"devices": null, "memory": {}, "cpu": {}, "pids": {}, "blockIO": {}}"#,
        #"{"cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}}"#,
        #"{"memory": {"limit": 0, "swap": 0, "kernel": -1, "disableOOMKiller": false}}"#,
        #"{"memory": {"useHierarchy": true, "checkBeforeUpdate": true}, "unified": {}}"#,
        #"{"blockIO": {"weight": 0, "weightDevice": []}, "hugepageLimits": [], "rdma": {}}"#,
        #"{"network": {"classID": 0, "priorities": []}, "devices": []}"#,
    ])
    func `that say nothing need no cgroup`(_ json: String) throws {
        let resources = try Self.resources(json)
        #expect(!resources.needControlGroup)
        #expect(resources.controllers.isEmpty)
    }

    @Test func `of memory in version 1`() throws {
        #expect(
            try version1(
                #"{"memory": {"limit": 10, "swap": 20, "reservation": 5, "swappiness": 0, "disableOOMKiller": true}}"#
            ) == [
                "memory.limit_in_bytes=10", "memory.memsw.limit_in_bytes=20",
                "memory.soft_limit_in_bytes=5", "memory.oom_control=1", "memory.swappiness=0",
            ])
        #expect(
            try version1(#"{"memory": {"limit": -1}}"#) == [
                "memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1?",
            ])
    }

    @Test func `of memory below what is in use are refused where that is asked for`() throws {
        let now = ["memory.current": "1000", "memory.max": "max"]
        let check = #""checkBeforeUpdate": true"#
        for limits in [#""limit": 1000"#, #""limit": 5, "swap": 5000"#, #""swap": 900"#] {
            #expect(throws: Failure.self) {
                try version2("{\"memory\": {\(limits), \(check)}}", now)
            }
            #expect(throws: Never.self) {
                let others = limits.hasPrefix("\"swap") ? "\"limit\": 800, " : ""
                _ = try version2("{\"memory\": {\(others)\(limits)}}", now)
            }
        }
        #expect(
            try version2(
                #"{"memory": {"limit": 1001, "swap": -1, "checkBeforeUpdate": true}}"#, now)
                == ["memory.swap.max=max?", "memory.max=1001"])
    }

    @Test func `of memory in version 2`() throws {
        #expect(
            try version2(#"{"memory": {"limit": 10, "swap": 30, "reservation": 5}}"#) == [
                "memory.swap.max=20", "memory.max=10", "memory.low=5",
            ])
        #expect(
            try version2(#"{"memory": {"limit": 10, "swap": 10}}"#) == [
                "memory.swap.max=0", "memory.max=10",
            ])
        #expect(
            try version2(#"{"memory": {"limit": 10, "swap": -1}}"#) == [
                "memory.swap.max=max?", "memory.max=10",
            ])
        #expect(
            try version2(#"{"memory": {"limit": -1}}"#) == [
                "memory.swap.max=max?", "memory.max=max",
            ])
        #expect(
            try version2(#"{"memory": {"swap": 30}}"#, ["memory.max": "10"]) == [
                "memory.swap.max=20"
            ])
    }

    @Test(arguments: [
        #"{"memory": {"swap": 30}}"#, #"{"memory": {"disableOOMKiller": true}}"#,
        #"{"memory": {"limit": 5, "checkBeforeUpdate": true}}"#,
        #"{"memory": {"swappiness": 10}}"#, #"{"cpu": {"realtimeRuntime": 10}}"#,
        #"{"blockIO": {"leafWeight": 10}}"#,
    ])
    func `that version 2 cannot keep are refused`(_ json: String) throws {
        #expect(throws: Failure.self) {
            try version2(json, ["memory.current": "7", "memory.max": "max"])
        }
    }

    @Test func `of the processor in version 1`() throws {
        #expect(
            try version1(
                #"{"cpu": {"shares": 100, "quota": -1, "period": 5, "burst": 0, "cpus": "0-3", "mems": "0"}}"#
            ) == [
                "cpu.shares=100", "cpu.cfs_period_us=5", "cpu.cfs_quota_us=-1",
                "cpu.cfs_burst_us=0", "cpuset.cpus=0-3", "cpuset.mems=0",
            ])
        #expect(try version1(#"{"cpu": {"shares": 100, "idle": 1}}"#) == ["cpu.idle=1"])
    }

    @Test func `of the processor in version 2`() throws {
        #expect(
            try version2(#"{"cpu": {"shares": 1024, "quota": 5000, "period": 10000, "burst": 7}}"#)
                == ["cpu.weight=100", "cpu.max=5000 10000", "cpu.max.burst=7"])
        #expect(try version2(#"{"cpu": {"quota": 5000}}"#) == ["cpu.max=5000"])
        #expect(try version2(#"{"cpu": {"quota": -1}}"#) == ["cpu.max=max"])
        #expect(
            try version2(#"{"cpu": {"period": 10000}}"#, ["cpu.max": "5000 100000"]) == [
                "cpu.max=5000 10000"
            ])
        #expect(try version2(#"{"cpu": {"shares": 5, "idle": 1}}"#) == ["cpu.idle=1"])
    }

    @Test(
        arguments: [
            (1, 1), (2, 1), (3, 2), (1024, 100), (262_144, 10_000), (UInt64.max, 10_000), (512, 59),
            (2048, 174), (256, 35),
        ] as [(UInt64, UInt64)])
    func `of shares become weights`(_ shares: UInt64, _ weight: UInt64) {
        #expect(Version2.weight(shares) == weight)
    }

    @Test func `of shares are weighed in their order`() {
        let weights = (1...18).map { Version2.weight(1 << $0) }
        #expect(weights == weights.sorted())
        #expect(Set(weights).count == weights.count)
    }

    @Test(arguments: [(-1, "max"), (0, "1"), (1, "1"), (100, "100")])
    func `of processes`(_ limit: Int, _ value: String) throws {
        let json = #"{"pids": {"limit": \#(limit)}}"#
        #expect(try version1(json) == ["pids.max=\(value)"])
        #expect(try version2(json) == ["pids.max=\(value)"])
    }

    @Test func `of block devices`() throws {
        let json = #"""
            {"blockIO": {
                "weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 1000}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 5}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 0}]
            }}
            """#
        #expect(
            try version1(json) == [
                "blkio.weight=10|blkio.bfq.weight=10",
                "blkio.weight_device=8:0 1000|blkio.bfq.weight_device=8:0 1000",
                "blkio.throttle.read_bps_device=8:1 5", "blkio.throttle.write_iops_device=8:1 0",
            ])
        #expect(
            try version2(json) == [
                "io.bfq.weight=10|io.weight=1", "io.bfq.weight=8:0 1000|io.weight=8:0 10000",
                "io.max=8:1 rbps=5", "io.max=8:1 wiops=max",
            ])
    }

    @Test func `of huge pages, networks and adapters`() throws {
        let json = #"""
            {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
             "network": {"classID": 5, "priorities": [{"name": "eth0", "priority": 7}]},
             "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}, "none": {}}}
            """#
        #expect(
            try version1(json) == [
                "hugetlb.2MB.limit_in_bytes=4194304", "hugetlb.2MB.rsvd.limit_in_bytes=4194304?",
                "net_cls.classid=5", "net_prio.ifpriomap=eth0 7",
                "rdma.max=mlx5_1 hca_handle=3 hca_object=4",
            ])
    }

    @Test func `by their names in version 2`() throws {
        let resources = try Self.resources(
            #"{"unified": {"io.max": "8:0 rbps=1\n8:1 rbps=2", "cgroup.max.depth": "3"}}"#)
        var hierarchies = Hierarchies(
            mounts: "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw", memberships: "0::/\n")
        #expect(throws: Failure.self) { try Version2.unified(resources, hierarchies) }
        hierarchies.version2?.controllers = ["io"]
        #expect(
            try Version2.unified(resources, hierarchies).map(Self.words) == [
                "io.max=8:0 rbps=1", "io.max=8:1 rbps=2", "cgroup.max.depth=3",
            ])
    }

    @Test func `of devices keep their order, and a rule for every kind is two`() throws {
        let resources = try Self.resources(
            #"""
            {"devices": [
                {"allow": false, "access": "rwm"},
                {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"},
                {"allow": true, "type": "a", "major": 7, "minor": -1, "access": "r"}
            ]}
            """#)
        #expect(
            resources.deviceRules == [
                DeviceRule(allows: false, kind: .any),
                DeviceRule(
                    allows: true, kind: .character, major: 10, minor: 229, access: [.read, .write]),
                DeviceRule(allows: true, kind: .block, major: 7, access: .read),
                DeviceRule(allows: true, kind: .character, major: 7, access: .read),
            ])
    }
}
