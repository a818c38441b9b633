import Glibc
import Testing

/// Signals to the runtime process, and its death.
struct SignalTests {
    static let forwarded = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPWR, 37,
    ]

    @Test(arguments: forwarded + [SIGABRT, SIGIO, SIGCONT, 34, 64])
    func `a signal to the runtime reaches the program`(_ signal: CInt) throws {
        try Sandbox.use { box in
            let run = try box.start(box.config(), arguments: ["/probe", "--handle"], input: .open)
            #expect(try run.readLine() == "ready")
            run.send(signal)
            let outcome = try run.finish()
            #expect(outcome.code == 40 + signal)
        }
    }

    /// The kernel drops such a signal for the first process of a pid namespace; whoever presses
    /// Ctrl-C means the container to end all the same.
    @Test(arguments: forwarded, [true, false])
    func `without a handler a signal ends the container`(
        _ signal: CInt, _ ownProcesses: Bool
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            if !ownProcesses { config.share("pid") }
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            #expect(try run.readLine() == "ready")
            run.send(signal)
            let outcome = try run.finish()
            #expect(outcome.code == 128 + signal)
        }
    }

    @Test func `signals that the caller ignores or blocks do not stay so inside`() throws {
        try Sandbox.use { box in
            try box.write("bundle/config.json", box.config().prettyText)
            let script = "trap '' HUP INT TERM PIPE CHLD; exec \"$@\""
            let outcome = try Running(
                "/bin/sh", ["-c", script, "sh", Host.runtime, box.path("bundle/config.json")]
            ).finish()
            let facts = try Facts(outcome)
            #expect(facts["SigIgn"] == 0)
            #expect(facts["SigBlk"] == 0)
        }
    }

    /// As root and as a user; the program has ignored every signal, let go of the parent-death
    /// signal, and has a child in a session of its own.
    @Test(arguments: ["0", "1000"], [true, false])
    func `when the runtime is killed the container is gone`(
        _ user: String, _ ownProcesses: Bool
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.grant(["CAP_SETUID"])
            if !ownProcesses { config.share("pid") }
            let arguments = ownProcesses ? ["/probe", "--cling", user] : ["/probe", "--wait"]
            let run = try box.start(config, arguments: arguments, input: .open)
            #expect(try run.readLine() == "ready")
            let container = try #require(HostProcess.initProcess(of: run.pid))
            run.send(SIGKILL)
            #expect(HostProcess.waitForEnd(of: container))
            #expect(try run.finish().code == 128 + SIGKILL)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `killed at any moment of its start the runtime leaves nothing`() throws {
        try Sandbox.use { box in
            let config = box.config()
            for attempt in 0..<40 {
                let run = try box.start(config, arguments: ["/probe", "--wait"])
                // Spread over the few milliseconds that a start takes.
                var pause = timespec(tv_sec: 0, tv_nsec: attempt * 150_000)
                nanosleep(&pause, nil)
                run.send(SIGKILL)
                _ = try run.finish()
            }
        }
    }

    @Test func `when the container is killed from outside the runtime says so`() throws {
        try Sandbox.use { box in
            let run = try box.start(box.config(), arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let container = try #require(HostProcess.initProcess(of: run.pid))
            kill(container, SIGKILL)
            #expect(try run.finish().code == 128 + SIGKILL)
        }
    }

    @Test(arguments: [SIGCONT, SIGURG, SIGWINCH, SIGCHLD])
    func `a signal that means no end ends nothing`(_ signal: CInt) throws {
        try Sandbox.use { box in
            let run = try box.start(
                box.config(), arguments: ["sh", "-c", "echo ready; read x; echo got $x"],
                input: .open)
            #expect(try run.readLine() == "ready")
            run.send(signal)
            run.write("words\n")
            #expect(try run.readLine() == "got words")
            #expect(try run.finish().code == 0)
        }
    }

    /// Its first process takes the others with it where it has a pid namespace of its own;
    /// elsewhere the runtime adopts and ends them.
    @Test(arguments: [true, false], [0, 3])
    func `what a program leaves running ends with it`(_ ownProcesses: Bool, _ code: Int32) throws {
        try Sandbox.use { box in
            var config = box.config()
            if !ownProcesses { config.share("pid") }
            let outcome = try box.run(
                config,
                arguments: [
                    "sh", "-c",
                    "sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &); echo done; exit \(code)",
                ])
            #expect(outcome.output == "done\n")
            #expect(outcome.code == code)
            #expect(HostProcess.concerned(with: box.directory) == [])
        }
    }

    @Test func `what keeps coming after it ends too`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("pid")
            let chain = "sh -c 'while :; do (sleep 0.01; :) & sleep 0.001; done' &"
            let outcome = try box.run(
                config, arguments: ["sh", "-c", "(setsid \(chain)); echo done"])
            #expect(outcome.output == "done\n")
            #expect(HostProcess.concerned(with: box.directory) == [])
        }
    }

    /// The control group tells whose these are when nobody is left to adopt them, and without one
    /// the mount namespace.
    @Test(arguments: [true, false])
    func `killed, the runtime leaves nothing that its container has left`(
        _ hasControlGroup: Bool
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("pid")
            if hasControlGroup {
                config["linux"]["cgroupsPath"] = .string("/" + box.controlGroup)
                config["linux"]["resources"]["pids"]["limit"] = 100
            }
            let run = try box.start(
                config, arguments: ["sh", "-c", "(setsid sleep 1000 &); echo ready; read x"],
                input: .open)
            #expect(try run.readLine() == "ready")
            let concerned = HostProcess.concerned(with: box.directory)
            #expect(concerned.count >= 4, "the runtime, its watchdog, the shell, the sleeper")
            run.send(SIGKILL)
            for pid in concerned where pid != run.pid { #expect(HostProcess.waitForEnd(of: pid)) }
            #expect(try run.finish().code == 128 + SIGKILL)
            #expect(ControlGroups.named(box.controlGroup) == [])
        }
    }

    @Test func `the runtime has one thread and one watchdog`() throws {
        try Sandbox.use { box in
            let run = try box.start(box.config(), arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            #expect(TreeSnapshot.names(in: "/proc/\(run.pid)/task") == ["\(run.pid)"])
            let children = HostProcess.children(of: run.pid)
            #expect(children.count == 2)
            #expect(children.filter(HostProcess.isWatchdog).count == 1)
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }
}
