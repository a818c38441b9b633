import Glibc
import Testing

/// `start`, `state`, `kill` and `delete` in every state of a container, with the words that
/// scripts look for.
struct StateTests {
    @Test func `state has the keys that callers parse, in their order`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["annotations"] = ["org.example.key": "value"]
            try box.createAndStart(config)
            let text = try box.succeed("state", box.id()).output
            let state = try Value(parsing: text)
            let keys = text.split(separator: "\n").filter { $0.hasPrefix("    \"") }
                .compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
            #expect(
                keys == [
                    "ociVersion", "id", "pid", "status", "bundle", "rootfs", "created",
                    "annotations", "owner",
                ])
            #expect(state["ociVersion"] == "1.3.0")
            #expect(state["id"] == .string(box.id()))
            #expect(state["status"] == "running")
            #expect(state["bundle"] == .string(box.bundle))
            #expect(state["annotations"] == ["org.example.key": "value"])
            #expect(state["owner"] == "")
            let created = try #require(state["created"].string)
            #expect(
                created.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z/) != nil,
                "\(created)")
            try box.killInit()
            let stopped = try box.state()
            #expect(stopped["status"] == "stopped")
            #expect(stopped["pid"] == 0)
            #expect(stopped["created"] == .string(created))
            try box.succeed("delete", box.id())
        }
    }

    @Test func `without annotations the key is left out`() throws {
        try Sandbox.use { box in
            try box.create()
            #expect(try box.state()["annotations"] == .null)
            try box.succeed("delete", box.id())
        }
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var command: [String]
        /// The exit code and words of standard error, empty for silence.
        var created: (Int32, String)
        var running: (Int32, String)
        var stopped: (Int32, String)
        var paused: (Int32, String)
        var testDescription: String { command.joined(separator: " ") }

        func expected(_ status: String) -> (Int32, String) {
            switch status {
            case "created": created
            case "running": running
            case "paused": paused
            default: stopped
            }
        }
    }

    static let rows = [
        Row(
            command: ["start"], created: (0, ""),
            running: (1, "cannot start an already running container"),
            stopped: (1, "cannot start a container that has stopped"),
            paused: (1, "cannot start a container in the paused state")),
        Row(
            command: ["kill", "ID", "0"], created: (0, ""), running: (0, ""),
            stopped: (1, "container not running"), paused: (0, "")),
        Row(
            command: ["kill", "ID", "KILL"], created: (0, ""), running: (0, ""),
            stopped: (1, "container not running"), paused: (0, "")),
        Row(
            command: ["kill", "--all", "ID", "KILL"], created: (0, ""), running: (0, ""),
            stopped: (0, ""), paused: (0, "")),
        Row(
            command: ["delete"], created: (0, ""),
            running: (1, "that is not stopped: running"), stopped: (0, ""),
            paused: (1, "that is not stopped: paused")),
        Row(
            command: ["delete", "--force"], created: (0, ""), running: (0, ""), stopped: (0, ""),
            paused: (0, "")),
        Row(
            command: ["delete", "-f"], created: (0, ""), running: (0, ""), stopped: (0, ""),
            paused: (0, "")),
        Row(
            command: ["exec", "ID", "true"], created: (0, ""), running: (0, ""),
            stopped: (255, "cannot exec in a stopped container"),
            paused: (255, "cannot exec in a paused container")),
        Row(
            command: ["state"], created: (0, ""), running: (0, ""), stopped: (0, ""),
            paused: (0, "")),
        Row(
            command: ["create"], created: (1, "container with given ID already exists"),
            running: (1, "already exists"), stopped: (1, "already exists"),
            paused: (1, "already exists")),
    ]

    @Test(arguments: rows, ["created", "running", "stopped", "paused"])
    func `each command does in each state what callers expect`(
        _ row: Row, _ status: String
    ) throws {
        try Sandbox.use { box in
            switch status {
            case "created": try box.create()
            case "running": try box.createAndStart()
            case "paused":
                try box.createAndStart()
                try box.succeed("pause", box.id())
            default:
                try box.createAndStart()
                try box.killInit()
            }
            #expect(try box.status() == status)
            let words =
                row.command.contains("ID")
                ? row.command.map { $0 == "ID" ? box.id() : $0 } : row.command + [box.id()]
            let outcome = try box.launch(words).finish()
            let (code, sentence) = row.expected(status)
            #expect(outcome.code == code, "\(outcome)")
            if sentence.isEmpty {
                #expect(outcome.error == "")
            } else {
                #expect(outcome.error.contains(sentence), "\(outcome)")
                #expect(try box.status() == status)
            }
            if row.command[0] == "delete" && code == 0 { #expect(box.containers.isEmpty) }
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(
        arguments: [
            (["state"], 1), (["start"], 1), (["kill"], 1), (["delete"], 1),
            (["exec", "ID", "true"], 255),
        ] as [([String], Int32)])
    func `an unknown container does not exist`(_ command: [String], _ code: Int32) throws {
        try Sandbox.use { box in
            let words =
                command.contains("ID")
                ? command.map { $0 == "ID" ? "nobody" : $0 } : command + ["nobody"]
            let outcome = try box.launch(words).finish()
            #expect(outcome.code == code)
            #expect(outcome.error.contains("does not exist"), "\(outcome)")
            #expect(outcome.output == "")
        }
    }

    @Test(
        arguments: [
            "state", "start", "kill", "delete", "create", "run", "exec", "pause", "resume", "ps",
            "update", "events",
        ])
    func `a command without an id is an error`(_ command: String) throws {
        try Sandbox.use { box in
            let outcome = try box.launch([command]).finish()
            #expect(outcome.code == (command == "exec" ? 255 : 1))
            #expect(
                outcome.error.contains("\"\(command)\" requires")
                    && outcome.error.contains("1 argument(s)"), "\(outcome)")
            #expect(outcome.output == "")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `to delete an unknown container by force is no error and makes no sound`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("delete", "--force", "nobody")
            #expect(outcome.code == 0)
            #expect(outcome.error == "")
            #expect(!box.exists("state"))
        }
    }

    /// podman and moby send numbers; people names.
    @Test(
        arguments: [
            "10", "USR1", "SIGUSR1", "usr1", "sigusr1", "37", "RTMIN+3", "SIGRTMIN+3", "SIGRTMAX",
        ])
    func `kill takes names and numbers`(_ signal: String) throws {
        try Sandbox.use { box in
            let run = try box.create(arguments: ["/probe", "--handle"])
            try box.succeed("start", box.id())
            #expect(try run.readLine() == "ready")
            let pid = try box.pid()
            try box.succeed("kill", box.id(), signal)
            #expect(HostProcess.waitForEnd(of: pid))
            try box.succeed("delete", box.id())
        }
    }

    /// Also what shares the pid namespace of the host, and has lost its parent.
    @Test(arguments: ["--all", "-a"], [true, false])
    func `kill all reaches every process`(_ option: String, _ ownProcesses: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            if !ownProcesses { config.share("pid") }
            let run = try box.create(
                nil, config,
                arguments: ["sh", "-c", "(setsid sleep 1000 &); echo ready; exec sleep 1000"])
            try box.succeed("start", box.id())
            #expect(try run.readLine() == "ready")
            let pids = try Value(parsing: box.succeed("ps", "-f", "json", box.id()).output)
            let all = (pids.array ?? []).compactMap(\.integer).map { pid_t($0) }
            #expect(all.count == 2)
            try box.succeed("kill", option, box.id(), "KILL")
            for pid in all { #expect(HostProcess.waitForEnd(of: pid)) }
            #expect(try box.status() == "stopped")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `kill sends TERM where no signal is named`() throws {
        try Sandbox.use { box in
            let outcome = try box.prepareAndRun(["/probe", "--handle"]) { run in
                try box.succeed("kill", box.id())
            }
            #expect(outcome.code == 40 + SIGTERM)
        }
    }

    @Test(arguments: ["FOO", "SIGFOO", "-9", "65", "1000", "", "9x"])
    func `a signal that there is not is refused`(_ signal: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let outcome = try box.launch(["kill", box.id(), signal]).finish()
            #expect(outcome.code == 1, "\(outcome)")
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `delete waits for the end of a process that it kills`() throws {
        try Sandbox.use { box in
            let run = try box.create(arguments: ["/probe", "--cling", "0"])
            try box.succeed("start", box.id())
            #expect(try run.readLine() == "ready")
            let pid = try box.pid()
            try box.succeed("delete", "--force", box.id())
            #expect(!HostProcess.all.contains(pid) || HostProcess.waitForEnd(of: pid))
        }
    }

    @Test func `a name can be used again after its container is deleted`() throws {
        try Sandbox.use { box in
            for _ in 0..<3 {
                let run = try box.create(arguments: ["echo", "again"])
                try box.succeed("start", box.id())
                #expect(try run.readToEnd() == "again\n")
                try box.succeed("delete", "--force", box.id())
            }
        }
    }
}

extension Sandbox {
    /// `run ID` in the foreground, with something done when the program says "ready".
    func prepareAndRun(
        _ arguments: [String], options: [String] = [], config: Value? = nil,
        whenReady body: (Running) throws -> Void
    ) throws -> Outcome {
        try prepare(config ?? self.config(), arguments: arguments)
        let run = try launch(["run"] + options + [id()], input: .open)
        guard try run.readLine() == "ready" else { throw Failure("not ready") }
        try body(run)
        return try run.finish()
    }
}
