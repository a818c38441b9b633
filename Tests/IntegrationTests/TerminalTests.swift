import Glibc
import Testing

/// `process.terminal`: the test sits in front of a pseudoterminal that it has made.
struct TerminalTests {
    /// A shell that is there before and after the runtime, as for somebody who types.
    private func session(
        _ box: Sandbox, _ screen: PseudoTerminal, _ config: Value, _ arguments: [String]
    ) throws -> Running {
        var config = config
        config["process"]["terminal"] = true
        config.run(arguments)
        let file = try box.write("bundle/config.json", config.prettyText)
        let script =
            "trap : INT; sh -c 'echo $$ > \(box.path("pid")); exec \"$@\"' sh \(Host.runtime)"
            + " \(file); echo \"ended $?\"; read line"
        return try Running("/bin/sh", ["-c", script], input: .terminal(screen.name))
    }

    private func runtime(_ box: Sandbox) throws -> pid_t {
        let text = box.read("pid").split(separator: "\n").first
        return try #require(text.flatMap { pid_t($0) })
    }

    @Test func `the program has a terminal of its own as its controlling one`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal(rows: 33, columns: 111)
            let session = try session(
                box, screen, box.config(), ["sh", "-c", "/probe > /tmp/x; /probe; cat /tmp/x >&2"])
            let shown = try screen.waitFor("ended 0")
            let text = shown.replacingOccurrence(of: "ended 0", with: "")
            let first = try #require(text.range(of: "\r\n}\r\n{"))
            let facts = try Value(parsing: String(text[..<first.lowerBound]) + "}")
            #expect(facts["isatty"] == [true, true, true])
            #expect(facts["hasControllingTerminal"] == true)
            #expect(facts["windowSize"] == [33, 111])
            #expect(facts["sid"] == 1)
            #expect(facts["dev"]["console"]["kind"] == "character")
            #expect(facts["dev"]["console"]["major"] == 136)
            let mounts = MountEntry.parse(facts["mountinfo"].string ?? "")
            let console = try #require(mounts.last { $0.point == "/dev/console" })
            #expect(console.type == "devpts")
            // The container's devpts, not the host's.
            let own = try #require(mounts.last { $0.point == "/dev/pts" })
            #expect(own.type == "devpts")
            let descriptors = try #require(facts["descriptors"].object)
            #expect(Set(descriptors.keys) == ["0", "1", "2"])
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `the caller's terminal is raw meanwhile and restored at the end`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let before = screen.settings
            let session = try session(box, screen, box.config(), ["/probe", "--handle"])
            try screen.waitFor("ready")
            #expect(screen.isRaw)
            kill(try runtime(box), SIGUSR1)
            try screen.waitFor("ended \(40 + SIGUSR1)")
            #expect(screen.settings == before)
            screen.type("\n")
            _ = try session.finish()
        }
    }

    enum Death: CaseIterable, Sendable {
        case containerKilled, runtimeTerminated, runtimeKilled
    }

    @Test(arguments: Death.allCases)
    func `however it ends, the terminal is restored`(_ death: Death) throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let before = screen.settings
            let session = try session(box, screen, box.config(), ["/probe", "--wait"])
            try screen.waitFor("ready")
            #expect(screen.isRaw)
            let runtime = try runtime(box)
            let container = try #require(HostProcess.initProcess(of: runtime))
            let watchdog = HostProcess.children(of: runtime).first(where: HostProcess.isWatchdog)
            switch death {
            case .containerKilled: kill(container, SIGKILL)
            case .runtimeTerminated: kill(runtime, SIGTERM)
            case .runtimeKilled: kill(runtime, SIGKILL)
            }
            try screen.waitFor("ended \(128 + (death == .runtimeTerminated ? SIGTERM : SIGKILL))")
            // Of a killed runtime the watchdog restores it, and then ends.
            if let watchdog { #expect(HostProcess.waitForEnd(of: watchdog)) }
            #expect(HostProcess.waitForEnd(of: container))
            #expect(screen.settings == before)
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `a start that fails leaves the terminal as it was`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let before = screen.settings
            let session = try session(box, screen, box.config(), ["/no/such/program"])
            try screen.waitFor("ended 127")
            #expect(screen.settings == before)
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `a new window size reaches the program`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal(rows: 24, columns: 80)
            let session = try session(box, screen, box.config(), ["/probe", "--handle"])
            try screen.waitFor("ready")
            screen.resize(rows: 50, columns: 132)
            try screen.waitFor("size 50 132")
            kill(try runtime(box), SIGTERM)
            try screen.waitFor("ended")
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `consoleSize is the size where the caller's is not taken`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal(rows: 0, columns: 0)
            var config = box.config()
            config["process"]["consoleSize"] = ["height": 41, "width": 97]
            let session = try session(
                box, screen, config, ["sh", "-c", "stty size; echo shown"])
            let shown = try screen.waitFor("shown")
            #expect(shown.contains("41 97"), "\(shown)")
            try screen.waitFor("ended 0")
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `ctrl-C is a byte to the runtime and a signal inside`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let session = try session(box, screen, box.config(), ["/probe", "--handle"])
            try screen.waitFor("ready")
            screen.type("\u{3}")
            try screen.waitFor("ended \(40 + SIGINT)")
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `what is typed arrives, and much output arrives whole`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let session = try session(
                box, screen, box.config(),
                ["sh", "-c", "read x; echo \"got $x\"; seq 1 20000; echo complete"])
            screen.type("hello\n")
            try screen.waitFor("got hello")
            let shown = try screen.waitFor("complete")
            #expect(shown.contains("\r\n19999\r\n20000\r\n"))
            try screen.waitFor("ended 0")
            screen.type("\n")
            _ = try session.finish()
        }
    }

    @Test func `without a terminal on the caller's side streams pass through`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["terminal"] = true
            let facts = try box.probe(config)
            #expect(facts["isatty"] == [false, false, false])
            #expect(facts["dev"]["console"] == .null)
        }
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}
