import Testing

/// Ten questions of people who want to understand a container, each answered by one command, in the text
/// that they read. docs/explain.md has them in a table.
@Suite struct `One command answers` {
    private func use(
        _ change: (inout Value) -> Void = { _ in }, _ body: (Sandbox) throws -> Void
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "default"
            change(&config)
            try box.withContainer(box.id()) {
                try box.createAndStart(config)
                try body(box)
            }
        }
    }

    /// The lines of the answer, without the blanks around them.
    private func lines(_ outcome: Outcome) throws -> [String] {
        try #require(outcome.code == 0, "\(outcome)")
        return outcome.output.split(separator: "\n").map { line in
            let start = line.drop { $0 == " " }
            return String(start)
        }
    }

    @Test func `which capabilities it has`() throws {
        try use { box in
            let lines = try lines(box.runCommand(["explain", box.id()]))
            let start = try #require(lines.firstIndex { $0.hasPrefix("Capabilities") })
            let section = lines[start...].prefix(12).joined(separator: "\n")
            for name in ["KILL", "NET_BIND_SERVICE", "AUDIT_WRITE"] {
                #expect(section.contains(name), "\(section)")
            }
        }
    }

    @Test func `why chown fails`() throws {
        try use { box in
            #expect(try box.runCommand(["exec", box.id(), "chown", "1", "/tmp"]).code == 1)
            let text = try lines(box.runCommand(["explain", box.id()])).joined(separator: "\n")
            #expect(text.contains("CHOWN: to give a file to another user"), "\(text)")
        }
    }

    @Test func `which call the filter refused`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "default"
            let outcome = try box.run(
                config, ["--seccomp-explain"], arguments: ["unshare", "-r", "true"])
            #expect(outcome.error.contains("seccomp refused unshare("), "\(outcome)")
        }
    }

    @Test func `why this mount is read-only`() throws {
        try use { box in
            let text = try lines(box.runCommand(["explain", "--path", "/sys/kernel", box.id()]))
                .joined(separator: " ")
            #expect(text.contains("read-only: its options have \"ro\" [config.json:"), "\(text)")
        }
    }

    @Test func `how the mounts lie in each other`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let lines = try lines(Running(Host.runtime, ["plan", "--tree", file]).finish())
            #expect(
                lines.contains { $0.hasPrefix("├─ /dev") || $0.hasPrefix("└─ /dev") }, "\(lines)")
            #expect(lines.contains { $0.contains("└─ /dev/pts") }, "\(lines)")
        }
    }

    @Test func `how long each step takes`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(box.config(), ["--trace", "-"], arguments: ["true"])
            #expect(outcome.code == 0 && outcome.output == "", "\(outcome)")
            let rows = outcome.error.split(separator: "\n")
            #expect(rows.first?.hasPrefix("step  process") == true, "\(outcome)")
            #expect(rows.contains { $0.contains("mount proc on /proc") && $0.contains("µs") })
            #expect(rows.last?.hasPrefix("in all ") == true)
        }
    }

    @Test func `what a user namespace would change`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config())
            let text = try lines(box.runCommand(["explain", box.path("bundle/config.json")]))
            let start = try #require(
                text.firstIndex { $0.hasPrefix("What a user namespace would change") })
            #expect(text[start...].contains { $0.hasPrefix("added") && $0.contains("map users") })
        }
    }

    /// Of any engine's container; Tests/clients asks of Docker's and podman's.
    @Test func `what a container shares with the host`() throws {
        try use({ $0.share("network") }) { box in
            let pid = try box.pid()
            let text = try lines(Running(Host.runtime, ["explain", "\(pid)"]).finish())
            #expect(
                text.contains { $0.hasPrefix("network") && $0.hasSuffix("the host's") }
                    || text.contains { $0.contains("network") && $0.contains("the host's") },
                "\(text)")
            #expect(text.contains { $0.contains("the host's network namespace: reaches services") })
        }
    }

    @Test func `what was written where`() throws {
        try Sandbox.use { box in
            box.mayChange = ["state"]
            try box.run(
                box.config(), ["--upper", box.path("state")],
                arguments: ["sh", "-c", "mkdir /made; printf 12 > /made/x; rm /etc/passwd"])
            let text = try lines(
                Running(Host.runtime, ["diff", "--tree", box.path("state")]).finish())
            #expect(
                text.contains { $0.hasPrefix("A") && $0.contains("made/") && $0.contains("+2") })
            #expect(text.contains { $0.hasPrefix("D") && $0.contains("passwd") }, "\(text)")
        }
    }

    @Test func `which limit is near`() throws {
        try use({ $0["linux"]["resources"] = ["pids": ["limit": 3]] }) { box in
            try box.succeed("exec", "--detach", box.id(), "sleep", "1000")
            let text = try lines(box.runCommand(["explain", box.id()]))
            #expect(text.contains("Next to its limit: pids, 66 %."), "\(text)")
        }
    }
}
