import Glibc
import Testing

/// `--trace FILE.html`: what the page knows, as a browser would read it (Tests/pages looks at it).
struct TracePageTests {
    private func data(_ page: String) throws -> Value {
        // The data are one line, and nothing in them is markup.
        let mark = "id=\"data\">"
        let line = try #require(page.split(separator: "\n").first { $0.contains(mark) })
        var rest = line
        while !rest.hasPrefix(mark) { rest = rest.dropFirst() }
        return try Value(parsing: String(rest.dropFirst(mark.count).prefix { $0 != "<" }))
    }

    private func changes(_ data: Value, _ part: String) -> [[String]] {
        (data["spans"].array ?? []).filter { $0["does"].string?.contains(part) == true }
            .flatMap { $0["changes"].array ?? [] }.map { row in
                (row.array ?? []).compactMap(\.string)
            }
    }

    private func trace(_ box: Sandbox, _ config: Value, _ script: String) throws -> Value {
        box.mayChange.insert("start.html")
        let outcome = try box.run(
            config, ["--trace", box.path("start.html")],
            arguments: script == "true" ? ["true"] : ["sh", "-c", script])
        #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
        return try data(box.read("start.html"))
    }

    @Test func `tells what each step has changed, as the kernel says it`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "default"
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200]]
            config["process"]["user"]["additionalGids"] = [5, 7]
            let data = try trace(box, config, "true")
            #expect(data["observed"] == true)
            let made = changes(data, "make the init process")
            let own = made.first { $0[0] == "mount namespace" }
            #expect(own?[1] == Host.namespace("mnt") + ", the host's", "\(made)")
            #expect(own?[2].hasPrefix("mnt:[") == true && own?[2].contains("host") == false)
            let proc = changes(data, "mount proc on /proc")
            #expect(proc.count == 1 && proc[0][0] == "mount on /proc", "\(proc)")
            #expect(proc[0][1] == "no mount" && proc[0][2].hasPrefix("proc, rw,nosuid"))
            let limit = changes(data, "limit RLIMIT_NOFILE")
            #expect(limit.count == 1 && limit[0][2] == "100, at most 200", "\(limit)")
            #expect(changes(data, "forbid new privileges") == [["no_new_privs", "0", "1"]])
            // Behind it no one looks: what it changes is the plan's word.
            #expect(
                changes(data, "install the seccomp filter")
                    == [["seccomp filter", "none", "the config's"]])
            #expect(changes(data, "become user 0").contains { $0.last == "5 7" })
            // What procfs does not tell is the plan's.
            #expect(changes(data, "set the host name") == [["host name", "the host's", "box"]])
            // The looks are no steps, and take no time.
            let spans = data["spans"].array ?? []
            #expect(!spans.contains { $0["does"].string?.hasPrefix("look before") == true })
            let plan = try box.succeed("plan", "--diff", "--json", box.path("bundle/config.json"))
            let steps = try #require(Value(parsing: plan.output).array)
            let numbers = spans.compactMap(\.["step"].integer)
            #expect(numbers == (1...Int64(steps.count)).map { $0 })
        }
    }

    @Test func `tells what the run has written, and nothing that the start has made`() throws {
        try Sandbox.use { box in
            var config = box.config()
            _ = try box.makeDirectory("shared")
            config["mounts"].append(Config.bind(box.path("shared"), "/made/for/it", ["ro"]))
            let data = try trace(
                box, config, "printf 123 > /new; rm /etc/passwd; printf x > '/<b>\u{1b}[31m'")
            let rows = (data["written"]["rows"].array ?? []).map { $0.array ?? [] }
            #expect(rows.contains(["A", "/new", 3]), "\(rows)")
            #expect(rows.contains { $0[0] == "D" && $0[1] == "/etc/passwd" })
            #expect(rows.count == 3 && data["written"]["count"] == 3, "\(rows)")
            #expect(!box.read("start.html").contains("\u{1b}"))
            #expect(!box.read("start.html").contains("<b>"))
        }
    }

    /// A look is a turn, for which the init process reads and writes.
    @Test func `a filter that refuses the calls of a turn does not end the start`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let names: Value = ["recvmsg", "read", "readv", "recvfrom", "ppoll", "poll"]
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": 38]],
            ]
            let plain = try box.run(config, [], arguments: ["true"])
            try #require(plain.code == 0, "\(plain)")
            _ = try trace(box, config, "true")
        }
    }

    @Test func `a start that fails has a page of the steps that were taken`() throws {
        try Sandbox.use { box in
            box.mayChange.insert("start.html")
            let outcome = try box.run(
                box.config(), ["--trace", box.path("start.html")], arguments: ["/no/such"])
            #expect(outcome.code == 127, "\(outcome)")
            let data = try data(box.read("start.html"))
            #expect(changes(data, "forbid new privileges") == [["no_new_privs", "0", "1"]])
            #expect(data["written"] == .null)
        }
    }
}
