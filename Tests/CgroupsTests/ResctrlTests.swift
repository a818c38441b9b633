import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups

/// `linux.intelRdt` on a tree of files as resctrl has them.
@Suite struct `A group of resctrl` {
    /// A machine that can do all of it.
    private func machine() throws -> TemporaryDirectory {
        let tree = try TemporaryDirectory()
        try tree.file("info/L3/cbm_mask", "7ff\n")
        try tree.file("info/L3/min_cbm_bits", "1\n")
        try tree.file("info/L3/num_closids", "16\n")
        try tree.file("info/MB/bandwidth_gran", "10\n")
        try tree.file("info/MB/delay_linear", "1\n")
        try tree.file("info/MB/min_bandwidth", "10\n")
        try tree.file("info/MB/num_closids", "8\n")
        try tree.file("info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\n")
        try tree.file("info/last_cmd_status", "ok\n")
        try tree.file("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n")
        return tree
    }

    private func request(
        _ group: String? = nil, l3: String? = nil, bandwidth: String? = nil,
        schemata: [String] = [], monitors: Bool = false
    ) -> ResctrlRequest {
        ResctrlRequest(
            group: group, name: "web", l3CacheSchema: l3, memoryBandwidthSchema: bandwidth,
            schemata: schemata, monitors: monitors)
    }

    private func read(_ tree: TemporaryDirectory, _ name: String) -> String? {
        (try? HostPath.read(tree[name])).map { String(decoding: $0, as: UTF8.self) }
    }

    private func sentence(_ request: ResctrlRequest, _ root: String?) -> String {
        do throws(Failure) {
            _ = try ResctrlGroup.make(request, root: root)
            return "none"
        } catch {
            return error.message
        }
    }

    // MARK: Schemata

    @Test func `is told what the fields come to, schemata last`() throws {
        let tree = try machine()
        let group = try ResctrlGroup.make(
            request(
                l3: "L3:0=f\nMB:0=50", bandwidth: "MB:0=20;1=70", schemata: ["L2:0=f", "MB:1=30"]),
            root: tree.path)
        #expect(group.path == tree["web"] && group.isOwn && group.monitor == nil)
        #expect(read(tree, "web/schemata") == "L3:0=f\nMB:0=20;1=70\nL2:0=f\nMB:1=30\n")
    }

    @Test func `without a schema is told nothing`() throws {
        let tree = try machine()
        _ = try ResctrlGroup.make(request(), root: tree.path)
        #expect(tree.exists("web") && !tree.exists("web/schemata"))
    }

    @Test func `that is named and new is made`() throws {
        let tree = try machine()
        let group = try ResctrlGroup.make(request("gold", l3: "L3:0=f"), root: tree.path)
        #expect(read(tree, "gold/schemata") == "L3:0=f\n")
        #expect(!group.isOwn)
    }

    @Test(
        arguments: [
            ("L3:0=f;1=7f0", true), ("L3:1=07F0", true), ("L3:0=1f;1=7f0", false),
            ("L3:2=f", false),
            ("L2:0=f", false), ("nonsense", false),
        ]) func `that is named and there has to have the schema`(_ l3: String, _ fits: Bool) throws
    {
        let tree = try machine()
        try tree.file("gold/schemata", "    MB:0= 20;1=100\n    L3:1=7f0;0=00f\n")
        let request = request("gold", l3: l3, bandwidth: "MB:0=20")
        let before = read(tree, "gold/schemata")
        if fits {
            _ = try ResctrlGroup.make(request, root: tree.path)
        } else {
            #expect(sentence(request, tree.path).contains("is there and has not \"\(l3)\""))
        }
        #expect(read(tree, "gold/schemata") == before)
        #expect(tree.exists("gold"))
    }

    @Test func `that is named without a schema has to be there`() throws {
        let tree = try machine()
        #expect(
            sentence(request("gold"), tree.path)
                == "intelRdt.closID: \"\(tree["gold"])\" does not exist; make it, or give a schema")
        #expect(!tree.exists("gold"))
        try tree.directory("gold")
        #expect(try ResctrlGroup.make(request("gold"), root: tree.path).path == tree["gold"])
        #expect(try ResctrlGroup.make(request("/"), root: tree.path).path == tree.path)
    }

    @Test func `takes new schemata, each by itself`() throws {
        let tree = try machine()
        let group = try ResctrlGroup.make(request(l3: "L3:0=f"), root: tree.path)
        try group.update(l3CacheSchema: nil, memoryBandwidthSchema: "MB:0=30")
        #expect(read(tree, "web/schemata") == "MB:0=30\n")
        try group.update(l3CacheSchema: "L3:0=3", memoryBandwidthSchema: "MB:0=40")
        #expect(read(tree, "web/schemata") == "L3:0=3\nMB:0=40\n")
    }

    // MARK: Processes and the end

    @Test func `counts for the container alone where that is asked for`() throws {
        let tree = try machine()
        try tree.directory("gold/mon_groups")
        let group = try ResctrlGroup.make(request("gold", monitors: true), root: tree.path)
        try group.add(process: 4711)
        #expect(read(tree, "gold/tasks") == "4711")
        #expect(read(tree, "gold/mon_groups/web/tasks") == "4711")
        unlink(tree["gold/mon_groups/web/tasks"])
        try group.remove()
        #expect(!tree.exists("gold/mon_groups/web") && tree.exists("gold"))
        try group.remove()
    }

    @Test func `of the container's own goes with it`() throws {
        let tree = try machine()
        let group = try ResctrlGroup.make(request(), root: tree.path)
        try group.remove()
        #expect(!tree.exists("web"))
    }

    @Test func `measures as runc does`() throws {
        let tree = try machine()
        try tree.file("gold/schemata", "    MB:0= 20\n    L3:0=00f\n")
        try tree.file("gold/mon_data/mon_L3_00/llc_occupancy", "500\n")
        try tree.file("gold/mon_data/mon_L3_00/mbm_total_bytes", "7\n")
        try tree.file("gold/mon_data/mon_L3_01/llc_occupancy", "600\n")
        let group = try ResctrlGroup.make(request("gold"), root: tree.path)
        #expect(
            group.statistics().compactText
                == [
                    #"{"l3_cache_info":{"cbm_mask":"7ff","min_cbm_bits":1,"num_closids":16}"#,
                    #""l3_cache_schema_root":"L3:0=7ff;1=7ff","l3_cache_schema":"L3:0=00f""#,
                    #""mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10"#,
                    #""num_closids":8},"mem_bw_schema_root":"MB:0=100;1=100""#,
                    #""mem_bw_schema":"MB:0= 20","schemata":["MB:0= 20","L3:0=00f"]"#,
                    #""mbm_stats":[{"mbm_total_bytes":7}]"#,
                    #""cmt_stats":[{"llc_occupancy":500},{"llc_occupancy":600}]}"#,
                ].joined(separator: ","))
    }

    // MARK: Failures

    @Test func `on a host without resctrl is an error`() {
        #expect(sentence(request(), nil).hasPrefix("resctrl is not mounted on this host; mount it"))
    }

    @Test(arguments: [
        ("info/L3", "l3CacheSchema"), ("info/MB", "memBwSchema"),
        ("info/L3_MON", "enableMonitoring"),
    ]) func `that the machine cannot make names the field`(_ feature: String, _ field: String)
        throws
    {
        let tree = try machine()
        try #require(rename(tree[feature], tree["gone"]) == 0)
        let found = sentence(request(l3: "L3:0=f", bandwidth: "MB:0=20", monitors: true), tree.path)
        #expect(found.hasPrefix("intelRdt.\(field): \"\(tree[feature])\" is missing"), "\(found)")
        #expect(!tree.exists("web"))
    }

    @Test func `with somebody in it is not taken for one's own`() throws {
        let tree = try machine()
        try tree.file("web/tasks", "17\n")
        #expect(sentence(request(), tree.path).contains("is taken"))
    }

    @Test func `tells the kernel's own words, and leaves nothing`() throws {
        let tree = try machine()
        try tree.file("info/last_cmd_status", "mask f00 has non-consecutive 1-bits\n")
        // Where a directory is, nothing can be written.
        try tree.directory("gold/schemata")
        let found = sentence(request("gold", schemata: ["L3:0=f01"]), tree.path)
        #expect(found.contains("is a directory: mask f00 has non-consecutive 1-bits"), "\(found)")
    }
}
