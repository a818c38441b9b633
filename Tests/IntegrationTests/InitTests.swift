import Glibc
import Testing

/// `vfs.init`: process 1 is an init, and the program process 2.
struct InitTests {
    private func config(_ box: Sandbox) -> Value {
        var config = box.config()
        config["vfs"]["init"] = true
        return config
    }

    @Test func `the program is process 2 in a session of its own, with the rights of the config`()
        throws
    {
        try Sandbox.use { box in
            var plain = box.config()
            plain["process"]["user"] = ["uid": 1000, "gid": 1000, "additionalGids": [5]]
            plain["vfs"]["seccomp"] = "strict"
            plain["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 9, "hard": 20]]
            var config = plain
            config["vfs"]["init"] = true
            let alone = try box.probe(plain)
            let facts = try box.probe(config)
            #expect(facts["pid"] == 2 && facts["ppid"] == 1)
            #expect(facts["sid"] == 2 && facts["pgrp"] == 2)
            for key in [
                "uids", "gids", "groups", "umask", "cwd", "env", "noNewPrivileges", "seccomp",
                "dumpable", "oomScoreAdj", "SigBlk", "SigIgn", "capabilities", "rlimits",
                "isatty", "hasControllingTerminal",
            ] {
                #expect(facts[key] == alone[key], "\(key)")
            }
            #expect(Set((facts["descriptors"].object ?? [:]).keys) == ["0", "1", "2"])
        }
    }

    /// As a shell of the host has it; as process 1 the same programs end otherwise.
    @Test(arguments: [
        ("exit 0", CInt(0)), ("exit 3", 3), ("exit 137", 137), ("kill -9 $$", 128 + SIGKILL),
        ("kill -ABRT $$", 128 + SIGABRT), ("kill -TERM $$; sleep 99", 128 + SIGTERM),
        ("kill -SEGV $$", 128 + SIGSEGV), ("sleep 99 & exit 4", 4),
        ("(setsid sleep 99 &) ; (sleep 0; exit 7) & wait; exit 5", 5), ("no-such-program", 127),
    ])
    func `the exit code is the program's`(_ script: String, _ code: CInt) throws {
        try Sandbox.use { box in
            let outcome = try box.run(config(box), arguments: ["sh", "-c", script])
            #expect(outcome.code == code, "\(outcome)")
        }
    }

    @Test(arguments: [(["no-such-program"], CInt(127)), (["/etc"], 126)] as [([String], CInt)])
    func `a program that cannot be executed is reported as without an init`(
        _ words: [String], _ code: CInt
    ) throws {
        try Sandbox.use { box in
            let alone = try box.run(box.config(), arguments: words)
            let outcome = try box.run(config(box), arguments: words)
            #expect(outcome.code == code && outcome.error == alone.error, "\(outcome)")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGUSR1, SIGALRM, 34, 64])
    func `signals reach the program`(_ signal: CInt) throws {
        try Sandbox.use { box in
            let handled = try box.start(
                config(box), arguments: ["/probe", "--handle"], input: .open)
            #expect(try handled.readLine() == "ready")
            handled.send(signal)
            #expect(try handled.finish().code == 40 + signal)
            let run = try box.start(config(box), arguments: ["/probe", "--wait"], input: .open)
            #expect(try run.readLine() == "ready")
            run.send(signal)
            #expect(try run.finish().code == 128 + signal)
        }
    }

    @Test func `a stopped program continues`() throws {
        try Sandbox.use { box in
            let run = try box.start(
                config(box), arguments: ["sh", "-c", "echo stopping; kill -STOP $$; exit 6"],
                input: .open)
            #expect(try run.readLine() == "stopping")
            let first = try #require(HostProcess.initProcess(of: run.pid))
            let program = try #require(HostProcess.children(of: first).first)
            let deadline = Deadline(5)
            while !Host.read("/proc/\(program)/stat").contains(") T ") {
                try #require(!deadline.hasPassed)
                sched_yield()
            }
            run.send(SIGCONT)
            #expect(try run.finish().code == 6)
        }
    }

    @Test func `nothing outlives the program, and nothing the runtime`() throws {
        try Sandbox.use { box in
            let script = "(trap '' HUP TERM; setsid sleep 99 &); echo ready; exec sleep 99"
            let run = try box.start(config(box), arguments: ["sh", "-c", script], input: .open)
            #expect(try run.readLine() == "ready")
            let first = try #require(HostProcess.initProcess(of: run.pid))
            run.send(SIGKILL)
            #expect(HostProcess.waitForEnd(of: first))
            #expect(try run.finish().code == 128 + SIGKILL)
        }
    }

    /// What the program finds of process 1, with every capability.
    @Test(arguments: [true, false])
    func `the init holds nothing, and cannot be used`(_ mayTrace: Bool) throws {
        try Sandbox.use { box in
            var config = config(box)
            if mayTrace { config.grant(["CAP_SYS_PTRACE", "CAP_KILL", "CAP_DAC_OVERRIDE"]) }
            let facts = try box.probe(
                config,
                [
                    "read:/proc/1/status", "list:/proc/1/fd", "read:/proc/1/environ",
                    "read:/proc/1/cmdline",
                ])
            let status = try #require(facts["tried"]["read:/proc/1/status"]["value"].string)
            for line in [
                "Name:\tvfs-run-init", "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000",
                "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1",
                "Seccomp:\t2",
            ] {
                #expect(status.split(separator: "\n").contains { $0 == line }, "\(line)")
            }
            if mayTrace {
                #expect(facts["tried"]["list:/proc/1/fd"]["value"].array?.count == 1)
                let words = facts["tried"]["read:/proc/1/environ"]["value"].string ?? ""
                #expect(!words.contains("PATH"))
            } else {
                #expect(facts.result("read:/proc/1/environ") == "EACCES")
            }
            for signal in ["KILL", "STOP", "ABRT"] {
                let outcome = try box.run(
                    config,
                    arguments: ["sh", "-c", "trap : ABRT; kill -\(signal) 1; sleep 0; exit 3"])
                #expect(outcome.code == 3, "\(signal): \(outcome)")
            }
        }
    }

    @Test func `a container is created, started, entered, killed and deleted`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            #expect(try box.status() == "running")
            let entered = try box.command("exec", box.id(), "/probe", "read:/proc/2/comm")
            let facts = try Facts(entered)
            #expect(facts["tried"]["read:/proc/2/comm"]["value"] == "probe\n")
            #expect(facts["ppid"] == 0 && (facts["pid"].integer ?? 0) > 2)
            let first = try box.pid()
            try box.succeed("kill", box.id(), "TERM")
            #expect(HostProcess.waitForEnd(of: first))
            #expect(try box.status() == "stopped")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `a created container that is killed has not started`() throws {
        try Sandbox.use { box in
            try box.create(nil, config(box))
            let pid = try box.pid()
            try box.succeed("kill", box.id(), "TERM")
            #expect(HostProcess.waitForEnd(of: pid))
            let start = try box.command("start", box.id())
            #expect(start.code == 1 && start.error.contains("stopped"), "\(start)")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `a filter that forbids execve is the reason why there is no program`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [["names": ["execve"], "action": "SCMP_ACT_KILL_PROCESS"]],
            ]
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("killed by signal 31 before the program started"))
        }
    }

    @Test func `the terminal is the program's, with job control`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            var config = config(box)
            config["process"]["terminal"] = true
            config.run(["sh", "-c", "/probe; sleep 99; echo \"ended $?\""])
            let file = try box.write("bundle/config.json", config.prettyText)
            let run = try Running(Host.runtime, [file], input: .terminal(screen.name))
            let shown = try screen.waitFor("\r\n}\r\n")
            let facts = try Value(parsing: shown)
            #expect(facts["hasControllingTerminal"] == true)
            #expect(facts["sid"] == 2 && facts["foreground"] == 2)
            #expect(facts["isatty"] == [true, true, true])
            screen.type("\u{3}")
            #expect(try run.finish().code == 128 + SIGINT)
        }
    }

    @Test func `it needs a pid namespace of its own`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config.share("pid")
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("vfs.init: needs a pid namespace of its own"))
        }
    }
}
