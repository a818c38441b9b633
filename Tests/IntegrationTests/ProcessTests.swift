import Glibc
import Testing

/// `process` of config.json: who the program is and what it may do.
struct ProcessTests {
    @Test func `user, group, additional groups and umask`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"] = [
                "uid": 1000, "gid": 1001, "additionalGids": [5, 1002], "umask": 0o027,
            ]
            let facts = try box.probe(config, ["create:/tmp/file", "stat:/tmp/file"])
            #expect(facts["uids"] == [1000, 1000, 1000])
            #expect(facts["gids"] == [1001, 1001, 1001])
            #expect(facts["groups"] == [5, 1002])
            #expect(facts["umask"] == 0o027)
            #expect(facts.found("stat:/tmp/file")["mode"] == 0o640)
            #expect(facts.found("stat:/tmp/file")["uid"] == 1000)
        }
    }

    @Test func `the umask is 022 where the config says nothing`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config())
            #expect(facts["umask"] == 0o022)
        }
    }

    /// CVE-2016-3697: a number is never a name of the image's passwd.
    @Test func `a user id that passwd has as a name stays a number`() throws {
        try Sandbox.use { box in
            try box.write("layer/etc/passwd", "1000:x:0:0::/:/bin/sh\n")
            var config = box.config()
            config["process"]["user"]["uid"] = 1000
            let facts = try box.probe(config, options: ["--layer", box.path("layer")])
            #expect(facts["uids"] == [1000, 1000, 1000])
        }
    }

    /// CVE-2024-40635, CVE-2026-46680: ids that do not fit must not become root.
    @Test(arguments: [
        "4294967296", "4294967295", "-1", "1e3", "1.0", "18446744073709551616", "\"0\"",
        "\"1000\"", "true", "01", "0x10", "[]",
    ])
    func `a user id that is no id is refused`(_ number: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"]["uid"] = 77
            let text = config.prettyText.replacingOccurrence(of: "77", with: number)
            let outcome = try box.start(text: text, arguments: ["id"]).finish()
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.output == "")
        }
    }

    @Test(arguments: ["/", "/tmp", "/made/by/the/runtime", "/usr/../tmp/./x", "/lib-link/deep"])
    func `the working directory is entered and made where it is missing`(_ path: String) throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer/real")
            try box.link("layer/lib-link", to: "/real")
            var config = box.config()
            config["process"]["cwd"] = .string(path)
            let facts = try box.probe(config, options: ["--layer", box.path("layer")])
            let expected = [
                "/usr/../tmp/./x": "/tmp/x", "/lib-link/deep": "/real/deep",
            ]
            #expect(facts["cwd"] == .string(expected[path] ?? path))
        }
    }

    @Test func `the environment is the config's, exactly`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let env = ["HOME=/h", "EMPTY=", "B=a=b c", "PATH=/bin", "UMLAUT=ü"]
            config["process"]["env"] = Value(env)
            let facts = try box.probe(config, environment: ["HOST=1", "A=host", "LD_PRELOAD=/x"])
            #expect(facts["env"] == Value(env))
        }
    }

    /// As runc has it.
    @Test func `of a variable that stands twice the last value counts, at its place`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["env"] = ["A=1", "HOME=/one", "B=", "A=2", "HOME=", "B=3", "A=4"]
            let facts = try box.probe(config)
            #expect(facts["env"] == ["B=3", "A=4", "HOME=/root"])
        }
    }

    /// CVE-2026-57231: such entries must not let the caller's variables in.
    @Test(arguments: ["NAME", "", "=value"])
    func `an environment entry without a name or a value is refused`(_ entry: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["env"] = Value([entry])
            let outcome = try box.run(config, environment: ["NAME=host"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("config.json:"), "\(outcome)")
        }
    }

    @Test(arguments: [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS",
        "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS",
        "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
    ])
    func `a resource limit holds`(_ name: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            // Below every default and enough for the probe to run.
            let hard: Int64 = name == "RLIMIT_AS" || name == "RLIMIT_STACK" ? 1 << 30 : 70_000
            let small = ["RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_SIGPENDING"].contains(name)
            let most = small ? 900 : hard
            config["process"]["rlimits"] = [
                ["type": .string(name), "soft": .integer(most - 100), "hard": .integer(most)]
            ]
            if name == "RLIMIT_DATA" { config["process"]["rlimits"][0]["soft"] = 50_000_000 }
            if name == "RLIMIT_DATA" { config["process"]["rlimits"][0]["hard"] = 60_000_000 }
            let facts = try box.probe(config)
            let expected = config["process"]["rlimits"][0]
            #expect(facts["rlimits"][name] == [expected["soft"], expected["hard"]])
        }
    }

    @Test(arguments: [true, false])
    func `no_new_privs is set as asked`(_ wanted: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["noNewPrivileges"] = .bool(wanted)
            let facts = try box.probe(config)
            #expect(facts["noNewPrivileges"] == (wanted ? 1 : 0))
        }
    }

    @Test func `the out-of-memory score is raised`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["oomScoreAdj"] = 600
            let facts = try box.probe(config)
            #expect(facts["oomScoreAdj"] == 600)
        }
    }

    /// Without one of its own it could read and change the keys of whoever started it.
    @Test func `the session keyring is the container's own`() throws {
        try Sandbox.use { box in
            let host = try Facts(Running(Host.probe, ["--only", "keyring:"]).finish())
            let first = try box.probe(box.config(), ["keyring:"])
            let second = try box.probe(box.config(), ["keyring:"])
            let ids = [host, first, second].map { $0.found("keyring:") }
            #expect(Set(ids).count == 3, "\(ids)")
        }
    }

    // MARK: Capabilities

    @Test func `without capabilities there are none`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["capabilities"] = nil
            let facts = try box.probe(config)
            for set in ["effective", "permitted", "inheritable", "bounding", "ambient"] {
                #expect(facts.capabilities(set) == [], "\(set)")
            }
        }
    }

    /// CVE-2022-29162, CVE-2022-27650: the inheritable set stays empty.
    @Test func `root gets what the config says, and nothing inheritable`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config(), ["call:raw", "call:mount", "call:sethostname"])
            let three: Set = [Capability.kill, Capability.bindService, Capability.auditWrite]
            for set in ["effective", "permitted", "bounding"] {
                #expect(facts.capabilities(set) == three, "\(set)")
            }
            #expect(facts.capabilities("inheritable") == [])
            #expect(facts.capabilities("ambient") == [])
            for call in ["raw", "mount", "sethostname"] {
                #expect(facts.result("call:\(call)") == "EPERM", "\(call)")
            }
        }
    }

    @Test func `each set is the config's own`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["capabilities"] = [
                "bounding": ["CAP_KILL", "CAP_NET_RAW", "CAP_CHOWN"],
                "permitted": ["CAP_KILL", "CAP_NET_RAW"], "effective": ["CAP_KILL"],
                "inheritable": ["CAP_NET_RAW"], "ambient": ["CAP_NET_RAW"],
            ]
            config["process"]["user"]["uid"] = 1000
            let facts = try box.probe(config, ["call:raw"])
            let raw: Set = [Capability.rawSockets]
            #expect(
                facts.capabilities("bounding") == raw.union([Capability.kill, Capability.chown]))
            #expect(facts.capabilities("inheritable") == raw)
            #expect(facts.capabilities("ambient") == raw)
            // After exec only the ambient ones are left to a user who is not root.
            #expect(facts.capabilities("permitted") == raw)
            #expect(facts.capabilities("effective") == raw)
            #expect(facts.result("call:raw") == "ok")
        }
    }

    @Test func `a user without ambient capabilities has none after exec`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"]["uid"] = 1000
            let facts = try box.probe(config, ["call:setuid0", "call:setgroups0"])
            #expect(facts.capabilities("permitted") == [])
            #expect(facts.capabilities("effective") == [])
            #expect(facts.capabilities("bounding").count == 3)
            #expect(facts.result("call:setuid0") == "EPERM")
            #expect(facts.result("call:setgroups0") == "EPERM")
        }
    }

    @Test func `an unknown capability is a warning and the container runs with less`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.grant(["CAP_KILL", "CAP_UNKNOWN"])
            let outcome = try box.run(config)
            #expect(outcome.error.contains("CAP_UNKNOWN"))
            let facts = try Facts(outcome)
            #expect(facts.capabilities("effective") == [Capability.kill])
        }
    }

    @Test func `what vfs-run has not got itself is a warning`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.grant(["CAP_KILL", "CAP_SYS_TIME"])
            try box.write("bundle/config.json", config.prettyText)
            let run = try Running(
                "/usr/bin/setpriv", ["--bounding-set", "-sys_time", Host.runtime, "config.json"],
                directory: box.bundle)
            let outcome = try run.finish()
            #expect(
                outcome.error.contains(
                    "CAP_SYS_TIME: vfs-run lacks this capability and cannot grant it"), "\(outcome)"
            )
            #expect(try Facts(outcome).capabilities("effective") == [Capability.kill])
        }
    }

    @Test func `a set-user-ID program gains nothing with no_new_privs`() throws {
        try Sandbox.use { box in
            try box.copy(Host.probe, to: "probe-layer/su")
            chmod(box.path("probe-layer/su"), 0o4755)
            var config = box.config()
            config["process"]["user"]["uid"] = 1000
            config.run(["/su"])
            let without = try Facts(box.run(config))
            #expect(without["uids"] == [1000, 1000, 1000])
            config["process"]["noNewPrivileges"] = false
            let with = try Facts(box.run(config))
            #expect(with["uids"] == [1000, 0, 0])
        }
    }
}

extension String {
    func replacingOccurrence(of text: String, with other: String) -> String {
        split(separator: text, maxSplits: 1, omittingEmptySubsequences: false).joined(
            separator: other)
    }
}
