import Glibc
import Testing

/// `ps`, `pause` and `resume`.
struct ProcessTableTests {
    /// A shell with a child of its own, beside the init process.
    private func use(_ body: (Sandbox, pid_t) throws -> Void) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            try box.succeed("exec", "--detach", box.id(), "sh", "-c", "sleep 1000; :")
            try body(box, box.pid())
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: [[], ["--format", "table"], ["-f", "table"], ["--format=table"]])
    func `the table is ps's own, of the container's processes alone`(_ options: [String]) throws {
        try use { box, pid in
            let outcome = try box.runCommand(["ps"] + options + [box.id()])
            #expect(outcome.code == 0, "\(outcome)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.first?.split(separator: " ").prefix(3) == ["UID", "PID", "PPID"])
            #expect(lines.contains { $0.contains("\(pid)") && $0.hasSuffix("/probe --wait") })
            #expect(lines.contains { $0.hasSuffix("sh -c sleep 1000; :") })
            #expect(!lines.contains { $0.contains("--root") }, "nothing of the host's")
        }
    }

    @Test(arguments: [["--format", "json"], ["-f", "json"]])
    func `json is the pids on one line`(_ options: [String]) throws {
        try use { box, pid in
            let outcome = try box.runCommand(["ps"] + options + [box.id()])
            let pids = try Value(parsing: outcome.output).array?.compactMap(\.integer) ?? []
            #expect(pids.contains(Int64(pid)) && pids.count >= 2)
            #expect(outcome.output.wholeMatch(of: /\[\d+(,\d+)*\]\n/) != nil, "\(outcome)")
        }
    }

    @Test(arguments: [["-e", "-o", "pid,comm"], ["aux"], ["-eo", "stat,pid"]])
    func `words behind the id are options of ps`(_ words: [String]) throws {
        try use { box, pid in
            let outcome = try box.runCommand(["ps", box.id()] + words)
            #expect(outcome.code == 0, "\(outcome)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines[0].contains("PID") && !lines[0].contains("PPID"))
            #expect(lines.contains { $0.split(separator: " ").contains("\(pid)") })
        }
    }

    @Test(
        arguments: [
            (["--format", "xml", "ID"], "invalid format option"),
            (["ID", "-o", "comm"], "couldn't find PID field in ps output"),
            (["ID", "--no-such-option"], "ps --no-such-option: error: "),
            ([], "requires a minimum of 1 argument"),
        ] as [([String], String)])
    func `what cannot be listed is 1`(_ words: [String], _ sentence: String) throws {
        try use { box, _ in
            let line = words.map { $0 == "ID" ? box.id() : $0 }
            let outcome = try box.runCommand(["ps"] + line)
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.error.contains(sentence), "\(outcome)")
        }
    }

    @Test func `a paused container stands still until it is resumed`() throws {
        try Sandbox.use { box in
            let run = try box.create(
                arguments: ["sh", "-c", "while read x; do echo got $x; done"])
            try box.succeed("start", box.id())
            run.write("one\n")
            #expect(try run.readLine() == "got one")
            #expect(try box.succeed("pause", box.id()).output == "")
            #expect(try box.status() == "paused")
            run.write("two\n")
            let again = try box.command("pause", box.id())
            #expect(again.code == 1 && again.error.contains("container not running"), "\(again)")
            // Where time passes for others, it does not for the container.
            for _ in 0..<20 { _ = try box.state() }
            #expect(throws: Failure.self) { try run.readLine(seconds: 0.1) }
            try box.succeed("resume", box.id())
            #expect(try box.status() == "running")
            #expect(try run.readLine() == "got two")
            let running = try box.command("resume", box.id())
            #expect(running.code == 1 && running.error.contains("container not paused"))
            try box.killInit()
            let stopped = try box.command("pause", box.id())
            #expect(stopped.code == 1 && stopped.error.contains("container not running"))
            try box.succeed("delete", box.id())
        }
    }
}
