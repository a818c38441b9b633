import Glibc
import JSON
import TestSupport
import Testing

@testable import Cgroups

/// The files of a directory that are opened meanwhile, as the kernel tells of it.
private struct Opened {
    private(set) var names: [String] = []

    init(in directory: String, _ body: () throws -> Void) throws {
        let queue = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
        defer { close(queue) }
        try #require(inotify_add_watch(queue, directory, UInt32(IN_OPEN)) >= 0)
        try body()
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = max(0, read(queue, &bytes, bytes.count))
        var position = 0
        while position < count {
            // wd, mask, cookie and the length of the name, 32 bits each.
            let length = bytes[position + 12..<position + 16].reversed().reduce(0) {
                $0 << 8 | Int($1)
            }
            let name = bytes[position + 16..<position + 16 + length].prefix { $0 != 0 }
            if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
            position += 16 + length
        }
    }
}

/// Figures out of files as the kernel writes them.
@Suite struct `Statistics` {
    private func figures(
        _ paths: (TemporaryDirectory) throws -> [(controllers: String, path: String)],
    ) throws -> JSONValue {
        let directory = try TemporaryDirectory()
        let text = ControlGroup(paths: try paths(directory)).statistics().compactText
        return try JSONDocument(Array(text.utf8)).root
    }

    @Test func `of version 2 have peaks, pressure and both kinds of time`() throws {
        let found = try figures { directory in
            for (name, text) in [
                (
                    "cpu.stat",
                    "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 4\nthrottled_usec 9\n"
                ),
                ("cpu.pressure", "some avg10=1.25 avg60=0.00 avg300=0.00 total=77\n"),
                ("memory.stat", "anon 10\nfile 20\nkernel 30\n"), ("memory.current", "60\n"),
                ("memory.max", "100\n"), ("memory.peak", "90\n"),
                ("memory.events", "low 0\nhigh 0\nmax 3\noom 0\n"),
                ("memory.swap.current", "1\n"), ("memory.swap.max", "max\n"),
                ("pids.current", "2\n"), ("pids.max", "max\n"),
                ("io.stat", "8:16 rbytes=100 wbytes=0 rios=3 wios=4 dbytes=0 dios=0\n"),
            ] { try directory.file(name, text) }
            return [("", directory.path)]
        }
        #expect(found["cpu"]?["usage"]?["total"]?.integer(Int.self) == 5000)
        #expect(found["cpu"]?["usage"]?["user"]?.integer(Int.self) == 3000)
        #expect(found["cpu"]?["throttling"]?["throttledTime"]?.integer(Int.self) == 9000)
        #expect(found["cpu"]?["psi"]?["some"]?["avg10"]?.text.elementsEqual("1.250".utf8) == true)
        #expect(found["cpu"]?["psi"]?["some"]?["total"]?.integer(Int.self) == 77)
        let memory = found["memory"]
        #expect(memory?["cache"]?.integer(Int.self) == 20)
        #expect(memory?["usage"]?["limit"]?.integer(Int.self) == 100)
        #expect(memory?["usage"]?["max"]?.integer(Int.self) == 90)
        #expect(memory?["usage"]?["failcnt"]?.integer(Int.self) == 3)
        #expect(memory?["swap"]?["usage"]?.integer(Int.self) == 61)
        #expect(memory?["swap"]?["limit"]?.integer(UInt64.self) == .max)
        #expect(memory?["raw"]?["anon"]?.integer(Int.self) == 10)
        #expect(found["pids"]?["current"]?.integer(Int.self) == 2)
        #expect(found["pids"]?["limit"] == nil)
        let written = found["blkio"]?["ioServicedRecursive"]?.elements.last
        #expect(written?["op"]?.string == "Write")
        #expect(written?["major"]?.integer(Int.self) == 8)
        #expect(written?["minor"]?.integer(Int.self) == 16)
        #expect(written?["value"]?.integer(Int.self) == 4)
    }

    @Test func `of version 1 come from each controller's own directory`() throws {
        let found = try figures { directory in
            for (name, text) in [
                ("cpuacct/cpuacct.usage", "50\n"), ("cpuacct/cpuacct.usage_percpu", "20 30 \n"),
                ("cpuacct/cpuacct.usage_all", "cpu user system\n0 15 5\n1 10 20\n"),
                ("cpuacct/cpuacct.usage_user", "25\n"), ("cpuacct/cpuacct.usage_sys", "25\n"),
                ("memory/memory.stat", "cache 7\nrss 8\n"),
                ("memory/memory.usage_in_bytes", "15\n"),
                ("memory/memory.max_usage_in_bytes", "16\n"),
                ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory/memory.failcnt", "0\n"), ("pids/pids.current", "3\n"),
                ("pids/pids.max", "12\n"),
                (
                    "blkio/blkio.throttle.io_serviced_recursive",
                    "254:0 Read 5\n254:0 Write 6\n254:0 Total 11\nTotal 11\n"
                ),
            ] { try directory.file(name, text) }
            return ["cpuacct", "memory", "pids", "blkio"].map { ($0, directory.path + "/" + $0) }
        }
        let usage = found["cpu"]?["usage"]
        #expect(usage?["total"]?.integer(Int.self) == 50)
        #expect(usage?["percpu"]?.elements.map { $0.integer(Int.self) } == [20, 30])
        #expect(usage?["percpu_kernel"]?.elements.map { $0.integer(Int.self) } == [5, 20])
        #expect(usage?["percpu_user"]?.elements.map { $0.integer(Int.self) } == [15, 10])
        #expect(found["cpu"]?["throttling"] == nil)
        let limit = found["memory"]?["usage"]?["limit"]?.integer(UInt64.self)
        #expect(limit == 9_223_372_036_854_771_712)
        #expect(found["memory"]?["usage"]?["max"]?.integer(Int.self) == 16)
        #expect(found["memory"]?["swap"] == nil)
        #expect(found["pids"]?["limit"]?.integer(Int.self) == 12)
        #expect(found["blkio"]?["ioServicedRecursive"]?.elements.count == 3)
    }

    @Test func `open each file that they print once, and no other`() throws {
        let directory = try TemporaryDirectory()
        let printed = [
            "cpu.stat", "cpu.pressure", "memory.stat", "memory.current", "memory.max",
            "memory.peak",
            "memory.events", "memory.swap.current", "memory.swap.max", "memory.swap.events",
            "memory.pressure", "pids.current", "pids.peak", "pids.max", "io.stat", "io.pressure",
        ]
        for name in printed { try directory.file(name, "1\n") }
        for name in ["cgroup.procs", "cpuset.cpus", "memory.high", "cgroup.events"] {
            try directory.file(name, "1\n")
        }
        let opened = try Opened(in: directory.path) {
            _ = ControlGroup(paths: [("", directory.path)]).statistics()
        }
        #expect(opened.names.sorted() == printed.sorted())
    }

    @Test func `of a container without a cgroup are there and say nothing`() throws {
        let found = try figures { _ in [] }
        #expect(found["cpu"]?["usage"]?["user"]?.integer(Int.self) == 0)
        #expect(found["network_interfaces"]?.kind == .null)
        #expect(found["memory"]?.members.isEmpty == true)
    }

    @Test(
        arguments: [
            ("hugepages-2048kB", "2MB"), ("hugepages-1048576kB", "1GB"), ("hugepages-64kB", "64KB"),
            ("hugepages-", nil), ("other", nil),
        ] as [(String, String?)])
    func `name pages by their size`(_ directory: String, _ size: String?) {
        #expect(HugePages.size(directory) == size)
    }
}
