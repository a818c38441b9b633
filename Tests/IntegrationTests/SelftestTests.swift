import Glibc
import Testing

/// `vfs-run selftest`: the attempts to leave a sandbox.
struct SelftestTests {
    private func trials(_ outcome: Outcome) throws -> [Value] {
        try #require(Value(parsing: outcome.output)["trials"].array)
    }

    @Test func `every attempt to leave the sandbox fails, and what programs need works`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("selftest", "--json")
            #expect(outcome.code == 0, "\(outcome.error)")
            let trials = try trials(outcome)
            #expect(trials.count > 80)
            for trial in trials {
                let result = trial["results"]["vfs-run"]
                #expect(result["verdict"] == "holds", "\(trial["title"]): \(result["said"])")
            }
            #expect(try Value(parsing: outcome.output)["holds"] == true)
        }
    }

    @Test func `an ordinary user gets the same`() throws {
        try Sandbox.use { box in
            let user = OrdinaryUser(hasSubordinates: true)
            try box.makeDirectory("tmp", mode: 0o1777)
            let words = try user.command(box, Host.runtime, ["selftest", "--json"])
            let outcome = try Running(
                Host.find(words[0]) ?? words[0], Array(words.dropFirst()),
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=\(box.path("tmp"))"]
            ).finish(seconds: 60)
            #expect(outcome.code == 0, "\(outcome)")
            for trial in try trials(outcome) {
                let result = trial["results"]["vfs-run"]
                #expect(result["verdict"] == "holds", "\(trial["title"]): \(result["said"])")
            }
        }
    }

    /// Its root is thrown away: what is written there reaches nothing.
    @Test func `in a sandbox of the command the attempts fail, too`() throws {
        try Sandbox.use { box in
            let outcome = try box.command(
                "sandbox", "-v", "\(Host.runtime):/selftest:ro", "--", "/selftest", "selftest",
                "--inside", "process=\(getpid())", "file=\(box.canary)/file")
            #expect(outcome.code == 0, "\(outcome)")
            let results = try #require(Value(parsing: outcome.output).object)
            #expect(results.count > 80)
            for (key, result) in results
            where !["root", "abstract-socket", "local-port"].contains(key) {
                #expect(result[0] == "holds", "\(key): \(result)")
            }
        }
    }

    /// The attempts are real: without walls they succeed.
    @Test func `in a container that confines little the attempts succeed`() throws {
        try Sandbox.use { box in
            var config = box.config()
            try box.write("probe-layer/selftest", "")
            config["mounts"].append(Config.bind(Host.runtime, "/selftest", ["ro"]))
            config["process"]["noNewPrivileges"] = false
            let all = ["CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_MKNOD"]
            config.grant(all)
            config.share("network")
            let outcome = try box.run(
                config, arguments: ["/selftest", "selftest", "--inside", "process=1"])
            let results = try Value(parsing: outcome.output)
            for key in [
                "clone-user", "unshare-user", "unshare-mount", "io-uring", "bpf", "keyctl",
                "packet", "raw", "netlink-audit", "netlink-generic", "attach", "seize",
                "read-memory", "take-descriptor", "signal", "be-first", "mount", "bind-mount",
                "fsopen", "open-tree", "device", "capabilities", "privileges", "unfiltered",
                "root", "host-name", "personality",
            ] {
                #expect(results[key][0] == "fails", "\(key): \(results[key])")
            }
            #expect(results["abstract-socket"][0] == "untried")
        }
    }

    @Test func `other tools are shown beside it`() throws {
        guard Host.find("bwrap") != nil, Host.find("crun") != nil else { return }
        try Sandbox.use { box in
            let outcome = try box.command(
                "selftest", "--json", "--with", "bwrap,crun",
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            #expect(outcome.code == 0, "\(outcome.error)")
            let report = try Value(parsing: outcome.output)
            #expect(report["tools"].array?.map { $0["name"] } == ["vfs-run", "bwrap", "crun"])
            // crun runs on no host that has control groups of both versions.
            for tool in report["tools"].array ?? [] where tool["name"] != "crun" {
                #expect(tool["problem"] == .null, "\(tool)")
            }
            let all = try trials(outcome)
            let user = try #require(all.first { $0["key"] == "unshare-user" })
            #expect(user["results"]["bwrap"]["verdict"] == "fails")
        }
    }

    @Test func `the table says what holds, for people`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("selftest")
            #expect(outcome.code == 0)
            #expect(outcome.output.contains("Namespaces\n  make a user namespace (clone) "))
            #expect(outcome.output.hasSuffix("holds in a sandbox of vfs-run holds here.\n"))
            let wrong = try box.command("selftest", "--with", "docker")
            #expect(wrong.code == 1 && wrong.error.contains("use bwrap or crun"))
            let lost = try box.command("selftest", "file=/x")
            #expect(lost.code == 1 && lost.error.contains("only --inside takes facts"))
        }
    }
}
