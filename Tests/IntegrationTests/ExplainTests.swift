import Glibc
import Testing

/// `vfs-run explain`: what isolates a process, as the kernel tells it.
struct ExplainTests {
    private func explain(
        _ box: Sandbox, _ word: String, _ options: String...
    ) throws -> Value {
        let outcome = try box.runCommand(["explain", "--json"] + options + [word])
        try #require(outcome.code == 0, "\(outcome)")
        return try Value(parsing: outcome.output)
    }

    private func text(_ box: Sandbox, _ word: String, _ options: String...) throws -> String {
        let outcome = try box.runCommand(["explain"] + options + [word])
        try #require(outcome.code == 0, "\(outcome)")
        return outcome.output
    }

    /// With a container that waits, and a seccomp profile.
    private func use(
        _ change: (inout Value) -> Void = { _ in }, _ body: (Sandbox, Value) throws -> Void
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "default"
            change(&config)
            try box.withContainer(box.id()) {
                try box.createAndStart(config)
                try body(box, config)
            }
        }
    }

    private func line(_ box: Sandbox, _ part: String) throws -> Int {
        let lines = Host.read(box.path("bundle/config.json")).split(separator: "\n")
        return try #require(lines.firstIndex { $0.contains(part) }) + 1
    }

    @Test func `capabilities, ids and namespaces are those of proc`() throws {
        try use { box, _ in
            let pid = try box.pid()
            for word in [box.id(), "\(pid)"] {
                let facts = try explain(box, word)
                let status = Host.read("/proc/\(pid)/status").split(separator: "\n")
                let effective = try #require(status.first { $0.hasPrefix("CapEff:") })
                #expect(UInt64(effective.dropFirst(8), radix: 16) == 0x2000_0420)
                #expect(
                    facts["capabilities"]["effective"]
                        == ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"])
                #expect(facts["user"]["uid"].integer == 0)
                #expect(facts["security"]["noNewPrivileges"] == true)
                for fact in facts["namespaces"].array ?? [] {
                    let file =
                        [
                            "mount": "mnt", "network": "net",
                        ][fact["kind"].string ?? ""] ?? fact["kind"].string ?? ""
                    #expect(fact["id"].string == Host.link("/proc/\(pid)/ns/\(file)"))
                    let isOwn = !["user", "time"].contains(file)
                    #expect(fact["own"].bool == isOwn, "\(fact)")
                    let pids = (fact["processes"].array ?? []).compactMap(\.["pid"].integer)
                    if isOwn { #expect(pids.contains(Int64(pid))) }
                }
                let mounts = Host.read("/proc/\(pid)/mountinfo").split(separator: "\n")
                #expect(facts["mounts"].array?.count == mounts.count)
            }
        }
    }

    @Test func `why chown fails is a capability that is missing`() throws {
        try use { box, _ in
            let chown = try box.runCommand(["exec", box.id(), "chown", "1", "/tmp"])
            #expect(chown.code == 1, "\(chown)")
            let lacking = try explain(box, box.id())["capabilities"]["lacking"].array ?? []
            let row = try #require(
                lacking.first { $0["program"].string?.contains("chown") == true })
            #expect(row["missing"] == ["CAP_CHOWN"])
            #expect(try text(box, box.id()).contains("CHOWN: to give a file to another user"))
        }
        try use({ $0.grant(["CAP_CHOWN"]) }) { box, _ in
            #expect(try box.runCommand(["exec", box.id(), "chown", "1", "/tmp"]).code == 0)
            let lacking = try explain(box, box.id())["capabilities"]["lacking"].array ?? []
            #expect(!lacking.contains { $0["program"].string?.contains("chown") == true })
        }
    }

    @Test func `why a mount is read-only is a line of the config`() throws {
        func change(_ config: inout Value) { config["linux"]["readonlyPaths"] = ["/proc/sys"] }
        try use(change) { box, _ in
            let sys = try explain(box, box.id(), "--path", "/sys/kernel")
            #expect(sys["readOnly"] == true && sys["mount"]["point"] == "/sys")
            #expect(sys["why"].string?.contains("its options have \"ro\"") == true, "\(sys)")
            #expect(
                sys["why"].string?.contains("config.json:\(try line(box, "\"/sys\""))]") == true)
            let proc = try explain(box, box.id(), "--path", "/proc/sys/kernel")
            #expect(proc["why"].string?.contains("linux.readonlyPaths names it") == true)
            let root = try explain(box, box.id(), "--path", "/tmp")
            #expect(root["readOnly"] == false)
        }
    }

    @Test func `what is shared with the host is said, and ranked`() throws {
        try use({
            $0.share("network")
            $0["mounts"].append(Config.bind("/", "/mnt", ["rbind"]))
            $0.grant(["CAP_SYS_ADMIN"])
        }) { box, _ in
            let facts = try explain(box, box.id())
            let network = facts["namespaces"].array?.first { $0["kind"] == "network" }
            #expect(network?["own"] == false)
            let ways = facts["ways"].array ?? []
            func rank(_ key: String) -> String? {
                ways.first { $0["key"].string == key }?["rank"].string
            }
            #expect(rank("capability CAP_SYS_ADMIN") == "critical")
            #expect(rank("host files /mnt") == "critical")
            #expect(rank("network namespace") == "high")
            #expect(rank("pid namespace") == nil)
            let change = ways.first { $0["key"] == "capability CAP_SYS_ADMIN" }?["change"].string
            #expect(change?.hasPrefix("config.json:\(try line(box, "\"effective\""))") == true)
            // The widest first.
            let order = ["critical", "high", "medium", "low"]
            let ranks = ways.compactMap { order.firstIndex(of: $0["rank"].string ?? "") }
            #expect(ranks == ranks.sorted() && ranks.count == ways.count)
        }
    }

    @Test func `the limit that is near comes first`() throws {
        try use({ $0["linux"]["resources"] = ["pids": ["limit": 3]] }) { box, _ in
            try box.succeed("exec", "--detach", box.id(), "sleep", "1000")
            let limits = try explain(box, box.id())["limits"].array ?? []
            #expect(limits.first?["name"] == "pids")
            #expect(limits.first?["limit"].integer == 3 && limits.first?["use"].integer == 2)
            #expect(limits.first?["share"] == .thousandths(666), "\(limits)")
            #expect(try text(box, box.id()).contains("Next to its limit: pids, 66 %."))
        }
    }

    @Test func `a filter that is read from the process is that of the profile`() throws {
        try use { box, _ in
            let known = try explain(box, box.id())["seccomp"]
            #expect(known["mode"] == "filter" && known["calls"]["mount"] == "EPERM")
            #expect(known["calls"]["read"] == "allow")
            let read = try explain(box, "\(try box.pid())")["seccomp"]
            #expect(read["source"] == "read from the process", "\(read["notRead"])")
            #expect(read["calls"] == known["calls"])
            // The process goes on as before.
            #expect(try box.status() == "running")
            let left = try explain(box, "\(try box.pid())", "--no-attach")["seccomp"]
            #expect(left["calls"] == .null && left["notRead"].string?.isEmpty == false)
        }
    }

    @Test func `a config is explained from its plan, with what a user namespace would change`()
        throws
    {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["memory": ["limit": 67_108_864]]
            try box.prepare(config)
            let file = box.path("bundle/config.json")
            let facts = try box.watchingFiles { try explain(box, file) }
            let change = facts["userNamespaceWouldChange"]
            #expect(change["refused"] == [])
            #expect(
                change["added"].array?.contains { $0.string?.hasPrefix("map users") == true }
                    == true)
            #expect(change["removed"].array?.isEmpty == false)
            #expect(facts["seccomp"]["mode"] == "none")
            #expect(facts["ways"].array?.contains { $0["key"] == "no seccomp filter" } == true)
            #expect(facts["ways"].array?.contains { $0["key"] == "no limit of memory" } == false)
            let memory = try #require(facts["limits"].array?.first)
            #expect(memory["place"].string == "\(file):\(try line(box, "67108864"))")
            config["linux"]["namespaces"].append(["type": "user"])
            for key in ["uidMappings", "gidMappings"] {
                config["linux"][key] = [["containerID": 0, "hostID": 100_000, "size": 1000]]
            }
            try box.prepare(config)
            let other = try explain(box, file)
            #expect(other["userNamespaceWouldChange"] == .null)
            #expect(other["ways"].array?.contains { $0["key"] == "root of the host" } == false)
        }
    }

    @Test func `no line is wider than asked, and nothing of a process reaches the terminal raw`()
        throws
    {
        try Sandbox.use { box in
            let name = "\u{1b}[31mx\u{202e}y"
            try box.copy("/bin/sleep", to: name)
            let process = try Running(box.path(name), ["1000"], input: .open)
            defer {
                process.send(SIGKILL)
                _ = try? process.finish()
            }
            for columns in ["40", "80"] {
                let text = try text(box, "\(process.pid)", "--width", columns)
                #expect(text.split(separator: "\n").allSatisfy { $0.count <= Int(columns) ?? 0 })
                #expect(!text.contains("\u{1b}") && !text.contains("\u{202e}"))
                #expect(text.contains("\\x1b[31mx"))
            }
        }
    }

    @Test(
        arguments: [
            ("2147483646", "process 2147483646 does not exist"),
            ("no-such-box", "does not exist"), ("/no/such/config.json", "no such file"),
        ])
    func `what is not there is an error`(_ word: String, _ sentence: String) throws {
        try Sandbox.use { box in
            let outcome = try box.runCommand(["explain", word])
            #expect(outcome.code == 1 && outcome.output == "", "\(outcome)")
            #expect(outcome.error.contains(sentence), "\(outcome)")
        }
    }
}

/// `vfs-run seccomp`
struct SeccompCommandTests {
    private func seccomp(_ words: String...) throws -> Outcome {
        try Running(Host.runtime, ["seccomp"] + words).finish()
    }

    @Test func `a call is answered with its rule and the change that allows it`() throws {
        let outcome = try seccomp("explain", "--json", "default", "socket", "AF_ALG", "?")
        let told = try Value(parsing: outcome.output)
        #expect(told["answer"] == "EAFNOSUPPORT")
        let place = try #require(told["rules"][0]["place"].string)
        let lines = Host.read(Host.repository + "/config/seccomp.json").split(
            separator: "\n", omittingEmptySubsequences: false)
        let number = try #require(Int(place.split(separator: ":")[1]))
        #expect(lines[number - 1].contains("EAFNOSUPPORT"))
        #expect(told["change"]["names"] == ["socket"])
        #expect(told["change"]["args"][0]["value"].integer == 38)
        let text = try seccomp("explain", "default", "mount")
        #expect(text.output.contains("no rule applies: the default action"), "\(text)")
        #expect(try seccomp("explain", "default", "nosuchcall").code == 1)
        #expect(try seccomp("explain", "default", "socket", "AF_NOSUCH").code == 1)
    }

    @Test func `profiles are compared by what they do`() throws {
        #expect(try seccomp("diff", "default", "default").code == 0)
        let outcome = try seccomp("diff", "--json", "default", "strict")
        #expect(outcome.code == 1)
        let rows = try #require(try Value(parsing: outcome.output).array)
        let calls = Set(rows.compactMap(\.["call"].string))
        #expect(calls.isSuperset(of: ["socket", "ptrace", "process_vm_readv", "adjtimex"]))
        #expect(!rows.contains { $0["to"] == "allow" })
    }

    @Test func `a config is read as well as a profile`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "strict"
            try box.prepare(config)
            let file = box.path("bundle/config.json")
            #expect(try seccomp("diff", file, "strict").code == 0)
            #expect(try seccomp("explain", file, "mount").output.contains("EPERM"))
            try box.prepare(box.config())
            let none = try seccomp("explain", file)
            #expect(none.code == 1 && none.error.contains("has no seccomp profile"), "\(none)")
        }
    }
}
