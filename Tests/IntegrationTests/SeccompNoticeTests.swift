import Glibc
import Testing

/// `--seccomp-explain` and `--seccomp-record`.
struct SeccompNoticeTests {
    /// All is allowed but what the rules say, as JSON.
    private func profile(_ rules: Value) -> Value {
        ["defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules]
    }

    private func refusing(_ names: [String], _ action: String, _ errno: Int64? = nil) -> Value {
        var rule: Value = ["names": Value(names), "action": .string(action)]
        if let errno { rule["errnoRet"] = .integer(errno) }
        return rule
    }

    @Test(arguments: [true, false])
    func `each refused call is told with its rule and the change, and stays refused`(
        _ noNewPrivileges: Bool
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["noNewPrivileges"] = .bool(noNewPrivileges)
            config["linux"]["seccomp"] = profile([
                refusing(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", 18)
            ])
            let program = ["mkdir:/tmp/x", "create:/tmp/y"]
            let plain = try box.probe(config, program)
            #expect(plain.result("mkdir:/tmp/x") == "EXDEV")
            let outcome = try box.run(
                config, ["--seccomp-explain"], arguments: ["/probe"] + program)
            #expect(outcome.code == 0, "\(outcome)")
            let facts = try Facts(outcome)
            #expect(facts.result("mkdir:/tmp/x") == "EXDEV")
            #expect(facts.result("create:/tmp/y") == "ok")
            let line = try #require(
                outcome.error.split(separator: "\n").first { $0.contains("seccomp refused mkdir") },
                "\(outcome)")
            #expect(line.contains("(\"/tmp/x\", ") && line.contains("of probe (pid "))
            #expect(line.contains(" with EXDEV, by syscalls[0] ("), "\(line)")
            #expect(line.contains("bundle/config.json:"))
            #expect(line.hasSuffix("\"action\": \"SCMP_ACT_ALLOW\"}"), "\(line)")
        }
    }

    @Test func `what it says makes the call pass`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ERRNO",
                "syscalls": try Value(
                    parsing: Host.read(Host.repository + "/config/seccomp.json"))["syscalls"],
            ]
            let program = ["sh", "-c", "mount -t tmpfs x /mnt 2> /dev/null; :"]
            let refused = try box.run(config, ["--seccomp-explain"], arguments: program)
            let marks = refused.error.split(separator: "\n").filter { $0.contains(" mount(") }
            let line = try #require(marks.first, "\(refused)")
            #expect(line.contains("mount(\"x\", \"/mnt\", \"tmpfs\", "), "\(line)")
            let start = try #require(line.firstIndex(of: "{"))
            config["linux"]["seccomp"]["syscalls"].append(
                try Value(parsing: String(line[start...])))
            let passed = try box.run(config, ["--seccomp-explain"], arguments: program)
            #expect(passed.code == 0 && !passed.error.contains("refused mount("), "\(passed)")
        }
    }

    @Test func `a call that kills still kills, and that is said`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile([
                refusing(["mkdir", "mkdirat"], "SCMP_ACT_KILL_PROCESS")
            ])
            let outcome = try box.run(
                config, ["--seccomp-explain"], arguments: ["/probe", "mkdir:/tmp/x"])
            #expect(outcome.code == 128 + SIGSYS, "\(outcome)")
            #expect(outcome.error.contains("killed by SIGSYS"), "\(outcome)")
        }
    }

    @Test func `the recorded profile is what the program needs, over several runs`() throws {
        try Sandbox.use { box in
            box.mayChange = ["recorded"]
            try box.makeDirectory("recorded")
            let file = box.path("recorded/least.json")
            var config = box.config()
            let programs = [
                ["sh", "-c", "echo one"], ["sh", "-c", "echo two; mkdir /tmp/x; ls /tmp"],
            ]
            var names: [Set<String>] = []
            for program in programs {
                let outcome = try box.run(config, ["--seccomp-record", file], arguments: program)
                #expect(outcome.code == 0, "\(outcome)")
                let rule = try Value(parsing: Host.read(file))["syscalls"][0]
                names.append(Set((rule["names"].array ?? []).compactMap(\.string)))
            }
            #expect(names[1].isSuperset(of: names[0]) && names[1].contains("mkdir"))
            #expect(!names[0].contains("mkdir") && !names[1].contains("mount"))
            config["vfs"]["seccomp"] = .string(file)
            for program in programs {
                let outcome = try box.run(config, arguments: program)
                #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            }
            let other = try box.run(config, arguments: ["sh", "-c", "rmdir /tmp"])
            #expect(other.code != 0 && other.error.contains("not permitted"), "\(other)")
        }
    }

    @Test func `recording allows nothing that the profile refuses, and leaves out what is named`()
        throws
    {
        try Sandbox.use { box in
            box.mayChange = ["least.json"]
            let file = box.path("least.json")
            var config = box.config()
            config["linux"]["seccomp"] = profile([
                refusing(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", 18)
            ])
            let outcome = try box.run(
                config,
                ["--seccomp-record", file, "--seccomp-explain", "--seccomp-omit", "getcwd,uname"],
                arguments: ["/probe", "mkdir:/tmp/x"])
            #expect(try Facts(outcome).result("mkdir:/tmp/x") == "EXDEV")
            #expect(outcome.error.contains("seccomp refused mkdir"), "\(outcome)")
            let recorded = Host.read(file)
            #expect(recorded.contains("\"execve\"") && !recorded.contains("\"mkdir"))
            #expect(!recorded.contains("\"getcwd\"") && !recorded.contains("\"uname\""))
        }
    }

    @Test func `a container with an id tells as well, and only as long as the command stays`()
        throws
    {
        try Sandbox.use { box in
            var config = box.plainConfig()
            try box.makeRoot()
            config["linux"]["seccomp"] = profile([
                refusing(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", 18)
            ])
            try box.prepare(config, arguments: ["/probe", "mkdir:/tmp/x"])
            let outcome = try box.command("run", "--seccomp-explain", box.id())
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.error.contains("seccomp refused mkdir"), "\(outcome)")
            let detached = try box.command("run", "--seccomp-explain", "--detach", box.id())
            #expect(detached.code == 1 && detached.error.contains("--detach"), "\(detached)")
        }
    }

    @Test func `an ordinary user's sandbox tells, and records`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let work = try box.makeDirectory("work")
            chown(work, OrdinaryUser.id, OrdinaryUser.id)
            let outcome = try box.startOrdinary([
                "sandbox", "--best-effort", "-w", work, "--seccomp-explain", "--",
                "sh", "-c", "unshare -U true 2> /dev/null; echo $?",
            ]).finish()
            #expect(outcome.output == "1\n", "\(outcome)")
            #expect(
                outcome.error.contains("seccomp refused unshare(CLONE_NEWUSER) of "), "\(outcome)")
            #expect(outcome.error.contains("by the default action (config/seccomp-strict.json:"))
        }
    }

    @Test(
        arguments: [
            (["--seccomp-explain"], "has no seccomp profile"),
            (["--seccomp-omit", "read"], "belongs to --seccomp-record"),
            (["--seccomp-record", "F", "--seccomp-omit", "nosuch"], "no system call"),
        ])
    func `options that cannot be followed are errors before anything is made`(
        _ options: [String], _ sentence: String
    ) throws {
        try Sandbox.use { box in
            let words = options.map { $0 == "F" ? box.path("least.json") : $0 }
            let outcome = try box.run(box.config(), words)
            #expect(outcome.code == 125 && outcome.output == "", "\(outcome)")
            #expect(outcome.error.contains(sentence), "\(outcome)")
            #expect(!box.exists("least.json"))
        }
    }
}
