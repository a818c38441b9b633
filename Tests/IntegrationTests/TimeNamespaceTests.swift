import Glibc
import Testing

/// Clocks of the container's own.
struct TimeNamespaceTests {
    private static let offsets: Value = [
        "boottime": ["secs": 864_000, "nanosecs": 500_000_000], "monotonic": ["secs": 3600],
    ]
    private static let expected = ["monotonic", "3600", "0", "boottime", "864000", "500000000"]

    private func words(_ facts: Facts) -> [String] {
        let text = facts.found("read:/proc/self/timens_offsets").string ?? ""
        return text.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    private func config(_ box: Sandbox) -> Value {
        var config = box.config()
        config["linux"]["namespaces"].append(["type": "time"])
        config["linux"]["timeOffsets"] = TimeNamespaceTests.offsets
        return config
    }

    @Test(arguments: [false, true])
    func `clocks are ahead from the first process on`(_ hasUserNamespace: Bool) throws {
        try Sandbox.use { box in
            var config = config(box)
            if hasUserNamespace { config.mapIDs() }
            let facts = try box.probe(
                config, ["read:/proc/self/timens_offsets", "read:/proc/uptime"])
            #expect(words(facts) == TimeNamespaceTests.expected)
            #expect(facts["namespaces"]["time"].string != Host.namespace("time"))
            let uptime = facts.found("read:/proc/uptime").string?.split(separator: ".").first
            #expect(uptime.flatMap { Int($0) } ?? 0 > 864_000)
            #expect(facts["pid"] == 1)
        }
    }

    @Test func `exec has the container's clocks`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            let facts = try Facts(
                try box.command("exec", box.id(), "/probe", "read:/proc/self/timens_offsets"))
            #expect(words(facts) == TimeNamespaceTests.expected)
            #expect(
                facts["namespaces"]["time"].string == Host.link("/proc/\(try box.pid())/ns/time"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `one that exists is joined`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            let path = "/proc/\(try box.pid())/ns/time"
            var other = box.config()
            other["linux"]["namespaces"].append(["type": "time", "path": .string(path)])
            let facts = try box.probe(other, ["read:/proc/self/timens_offsets"])
            #expect(facts["namespaces"]["time"].string == Host.link(path))
            #expect(words(facts) == TimeNamespaceTests.expected)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `a clock cannot stand before its beginning`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["linux"]["timeOffsets"] = ["boottime": ["secs": -86_400_000_000]]
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("the clock would stand before its beginning"), "\(outcome)")
        }
    }
}
