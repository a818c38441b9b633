import CLinux
import Glibc
import Testing

/// No wait of the runtime is for ever, and at each of them a signal ends it, with nothing left
/// (A19, A24, R4, R9).
struct WaitTests {
    /// What the other side does not do.
    enum Obstacle: CaseIterable, Sendable {
        case consoleSocket, pidfdSocket, listener, notifySocket
        case createRuntimeHook, createContainerHook

        /// Hooks without a timeout take as long as they like.
        var hasDeadline: Bool {
            switch self {
            case .createRuntimeHook, .createContainerHook: false
            default: true
            }
        }
    }

    /// Waits, and tells that it does by a file.
    private static func hook(_ box: Sandbox) throws -> Value {
        let script = "#!/bin/sh\n: > \(box.path("waits"))\nexec sleep 1000\n"
        return [["path": .string(try box.write("hook", script, mode: 0o755))]]
    }

    /// Starts `run --detach` against the obstacle.
    private func launch(
        _ box: Sandbox, _ obstacle: Obstacle
    ) throws -> (run: Running, socket: FullSocket?) {
        var config = box.config()
        var options: [String] = []
        var environment: [String] = []
        var socket: FullSocket?
        switch obstacle {
        case .consoleSocket:
            let full = try FullSocket(box.path("full"), .stream)
            options = ["--console-socket", full.path]
            config["process"]["terminal"] = true
            socket = full
        case .pidfdSocket:
            let full = try FullSocket(box.path("full"), .stream)
            options = ["--pidfd-socket", full.path]
            socket = full
        case .listener:
            let full = try FullSocket(box.path("full"), .stream)
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": .string(full.path),
                "syscalls": [["names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"]],
            ]
            socket = full
        case .notifySocket:
            let full = try FullSocket(box.path("full"), .datagram)
            environment = ["NOTIFY_SOCKET=" + full.path]
            socket = full
        case .createRuntimeHook: config["hooks"]["createRuntime"] = try WaitTests.hook(box)
        case .createContainerHook: config["hooks"]["createContainer"] = try WaitTests.hook(box)
        }
        try box.prepare(
            config,
            arguments: obstacle == .notifySocket ? ["/probe", "--notify"] : ["/probe", "--wait"])
        let run = try box.launch(
            ["run", "--detach"] + options + [box.id()], input: .open, environment: environment)
        return (run, socket)
    }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// Until the runtime has come to where it waits.
    private func awaitObstacle(_ run: Running, _ box: Sandbox, _ obstacle: Obstacle) throws {
        let deadline = Deadline(10)
        while !deadline.hasPassed {
            let isThere =
                obstacle.hasDeadline
                ? HostProcess.initProcess(of: run.pid) != nil : box.exists("waits")
            if isThere { return }
            if HostProcess.waitForEnd(of: run.pid, milliseconds: 5) { break }
        }
        throw Failure("the runtime never waited: \(try run.finish())")
    }

    @Test(arguments: Obstacle.allCases.filter(\.hasDeadline))
    func `whoever takes nothing is not waited for for ever`(_ obstacle: Obstacle) throws {
        try Sandbox.use { box in
            let start = ContinuousClock.now
            let (run, socket) = try launch(box, obstacle)
            let outcome = try run.finish(seconds: 20)
            #expect(WaitTests.seconds(since: start) < 9)
            if obstacle == .notifySocket {
                // The program runs all the same.
                #expect(outcome.code == 0)
                #expect(outcome.error.contains("NOTIFY_SOCKET was not told"), "\(outcome)")
                try box.succeed("delete", "--force", box.id())
            } else {
                #expect(outcome.code == 1)
                #expect(outcome.error.contains("timed out"), "\(outcome)")
                #expect(box.containers.isEmpty)
            }
            withExtendedLifetime(socket) {}
        }
    }

    @Test(arguments: Obstacle.allCases, [SIGTERM, SIGINT, SIGHUP])
    func `a signal ends it at once, and nothing is left`(
        _ obstacle: Obstacle, _ signal: CInt
    ) throws {
        try Sandbox.use { box in
            box.mayStay = obstacle == .notifySocket ? [box.id()] : []
            let (run, socket) = try launch(box, obstacle)
            try awaitObstacle(run, box, obstacle)
            let start = ContinuousClock.now
            run.send(signal)
            let outcome = try run.finish(seconds: 20)
            #expect(WaitTests.seconds(since: start) < 3)
            // The program may run by then, and be left to itself.
            if obstacle == .notifySocket && outcome.code == 0 { return }
            #expect(outcome.code == 128 + signal, "\(outcome)")
            if obstacle != .notifySocket { #expect(box.containers.isEmpty) }
            withExtendedLifetime(socket) {}
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [["create"], ["run"], ["run", "--detach"]])
    func `a signal at any moment of a start leaves nothing`(_ command: [String]) throws {
        try Sandbox.use { box in
            let hook = try box.write("quick", "#!/bin/sh\n", mode: 0o755)
            var config = box.config()
            for kind in ["createRuntime", "createContainer", "poststop"] {
                config["hooks"][kind] = [["path": .string(hook)]]
            }
            try box.prepare(config, arguments: ["/probe", "--wait"])
            for attempt in 0..<40 {
                let run = try box.launch(command + [box.id()], input: .open)
                // Spread over the milliseconds that a start takes.
                var pause = timespec(tv_sec: 0, tv_nsec: attempt * 400_000)
                nanosleep(&pause, nil)
                run.send(attempt % 2 == 0 ? SIGTERM : SIGINT)
                let outcome = try run.finish()
                if outcome.code == 0 {
                    try box.succeed("delete", "--force", box.id())
                } else {
                    #expect([128 + SIGTERM, 128 + SIGINT].contains(outcome.code), "\(outcome)")
                    #expect(box.containers.isEmpty, "\(attempt): \(outcome)")
                }
            }
        }
    }

    @Test func `a hook of the end that does not end is ended by a second signal`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["hooks"]["poststop"] = try WaitTests.hook(box)
            try box.prepare(config, arguments: ["/probe", "--wait"])
            let run = try box.launch(["run", box.id()], input: .open)
            #expect(try run.readLine() == "ready")
            run.send(SIGTERM)
            let deadline = Deadline(10)
            while !box.exists("waits") && !deadline.hasPassed {
                _ = HostProcess.waitForEnd(of: run.pid, milliseconds: 5)
            }
            run.send(SIGTERM)
            let outcome = try run.finish(seconds: 10)
            #expect(outcome.error.contains("interrupted"), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    /// Nothing has been made yet: it ends by the signal itself.
    @Test(arguments: ["start", "delete"], [true, false])
    func `a lock that another command holds`(_ command: String, _ isSignalled: Bool) throws {
        try Sandbox.use { box in
            try box.create()
            let held = open(box.stateRoot + "/" + box.id(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(held) }
            #expect(flock(held, LOCK_EX) == 0)
            let start = ContinuousClock.now
            let run = try box.launch([command, box.id()])
            if isSignalled {
                _ = HostProcess.waitForEnd(of: run.pid, milliseconds: 200)
                run.send(SIGTERM)
            }
            let outcome = try run.finish()
            #expect(outcome.code == (isSignalled ? 128 + SIGTERM : 1), "\(outcome)")
            #expect(WaitTests.seconds(since: start) < (isSignalled ? 3 : 14))
            if !isSignalled { #expect(outcome.error.contains("another command"), "\(outcome)") }
            flock(held, LOCK_UN)
            try box.succeed("delete", box.id())
        }
    }

    @Test(arguments: [Int32](arrayLiteral: SIGTERM, SIGINT, SIGHUP, SIGQUIT))
    func `what the caller blocks is heard all the same`(_ signal: CInt) throws {
        try Sandbox.use { box in
            try box.create()
            let held = open(box.stateRoot + "/" + box.id(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            #expect(flock(held, LOCK_EX) == 0)
            let run = try Running(
                Host.probe,
                ["--block-signals", Host.runtime, "--root", box.stateRoot, "delete", box.id()])
            _ = HostProcess.waitForEnd(of: run.pid, milliseconds: 200)
            run.send(signal)
            #expect(try run.finish(seconds: 5).code == 128 + signal)
            close(held)
            try box.succeed("delete", box.id())
        }
    }

    /// The error names the argument; its reader takes it when the runtime has ended, or never.
    @Test func `an error is cut, and a reader that does not read holds nothing up`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let argument = String(repeating: "a", count: 140_000)
            let process = try box.write(
                "process.json", #"{"cwd": "/", "user": {}, "args": ["/bin/true", "\#(argument)"]}"#)
            let words = ["exec", "-p", process, box.id()]
            let outcome = try box.runCommand(words)
            #expect(outcome.code == 255)
            #expect(outcome.error.utf8.count < 4200)
            #expect(
                outcome.error.hasSuffix("argument list too long\n"), "\(outcome.error.suffix(99))")
            let pipe = try FullPipe()
            let start = ContinuousClock.now
            let blocked = try Running(
                "/bin/sh",
                ["-c", "exec 2>\(pipe.path) \"$@\"", "sh", Host.runtime, "--root", box.stateRoot]
                    + words
            ).finish(seconds: 20)
            #expect(blocked.code == 255)
            #expect(WaitTests.seconds(since: start) < 5)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--log", "--trace"])
    func `a FIFO that nobody reads from is an error`(_ option: String) throws {
        try Sandbox.use { box in
            let fifo = box.path("fifo")
            #expect(mkfifo(fifo, 0o600) == 0)
            let start = ContinuousClock.now
            let outcome =
                option == "--log"
                ? try box.command("list", globals: ["--log", fifo])
                : try box.start(box.config(), ["--trace", fifo], arguments: ["/bin/true"]).finish()
            #expect(outcome.code == (option == "--log" ? 1 : 125), "\(outcome)")
            #expect(outcome.error.contains("no such device or address"), "\(outcome)")
            #expect(WaitTests.seconds(since: start) < 5)
        }
    }

    @Test func `a log whose reader does not read holds nothing up`() throws {
        try Sandbox.use { box in
            let fifo = box.path("fifo")
            #expect(mkfifo(fifo, 0o600) == 0)
            let reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            let writer = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            defer { for end in [reader, writer] { close(end) } }
            FullPipe.fill(writer)
            let start = ContinuousClock.now
            let outcome = try box.command("state", "none", globals: ["--log", fifo])
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("does not exist"), "\(outcome)")
            #expect(outcome.error.contains("cannot be written"), "\(outcome)")
            #expect(WaitTests.seconds(since: start) < 5)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `output that nobody reads keeps no signal from exec`(_ signal: CInt) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let run = try box.launch([
                "exec", "-t", box.id(), "sh", "-c", "while :; do echo y; done",
            ])
            // Of the pipe nothing is read: when it is full the program waits for its terminal.
            let deadline = Deadline(10)
            var (filled, unchanged) = (run.unread, 0)
            while unchanged < 20 && !deadline.hasPassed {
                _ = HostProcess.waitForEnd(of: run.pid, milliseconds: 5)
                unchanged = filled > 4096 && run.unread == filled ? unchanged + 1 : 0
                filled = run.unread
            }
            #expect(filled > 4096)
            run.send(signal)
            #expect(HostProcess.waitForEnd(of: run.pid, milliseconds: 3000))
            #expect(try run.finish().code == 128 + signal)
            try box.succeed("delete", "--force", box.id())
        }
    }
}
