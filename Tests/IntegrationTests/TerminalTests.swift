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

    /// What a shell does before each line that it reads, and scripts do not.
    @Test(arguments: ["| cat", "2> /dev/null | cat", "< /dev/null", "> /dev/null"])
    func `a program that gets the caller's terminal may not leave it raw`(_ streams: String) throws
    {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let before = screen.settings
            var config = box.config()
            config.run(
                [
                    "sh", "-c",
                    "for i in 0 1 2; do [ ! -t $i ] || stty raw -echo <&$i; done; exit 7",
                ])
            box.mayChange.insert("one-shot.json")
            let file = try box.write("one-shot.json", config.prettyText)
            let script = """
                \(Host.runtime) \(file) \(streams)
                echo "one-shot ended"
                \(Host.runtime) --root \(box.stateRoot) exec \(box.id()) sh -c \
                    'for i in 0 1 2; do [ ! -t $i ] || stty raw -echo <&$i; done' \(streams)
                echo "exec ended"; read line
                """
            var waiting = box.config()
            waiting.run(["sleep", "1000"])
            try box.withContainer(box.id()) {
                try box.createAndStart(waiting)
                let run = try Running("/bin/sh", ["-c", script], input: .terminal(screen.name))
                try screen.waitFor("one-shot ended")
                try screen.waitFor("exec ended")
                #expect(screen.settings == before)
                screen.type("\n")
                _ = try run.finish()
            }
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

/// The runtime between two terminals, of which it owns neither.
struct TerminalProxyTests {
    private func prepare(_ box: Sandbox, _ arguments: [String]) throws {
        if !box.exists("rootfs") { try box.makeRoot() }
        var config = box.plainConfig()
        config["process"]["terminal"] = true
        config.run(arguments)
        try box.prepare(config)
    }

    @Test func `a terminal that nobody has open is not at its end`() throws {
        try Sandbox.use { box in
            // Each time it is the only one to have it open: its other end is hung up in between.
            try prepare(
                box,
                [
                    "/bin/sh", "-c",
                    "exec </dev/null >/dev/null 2>&1; i=0; while [ $i -lt 300 ]; do"
                        + " echo \"line $i\" >/dev/console; i=$((i+1)); done",
                ])
            try box.withContainer(box.id()) {
                let outcome = try box.runCommand(["run", "--bundle", box.bundle, box.id()])
                #expect(outcome.code == 0, "\(outcome)")
                let lines = outcome.output.split(separator: "\n")
                #expect(lines == (0..<300).map { "line \($0)" })
            }
        }
    }

    @Test func `whoever does not read holds up no signal and no key`() throws {
        try Sandbox.use { box in
            try prepare(
                box,
                [
                    "/bin/sh", "-c",
                    "while :; do echo 0123456789012345678901234567890123456789; done &"
                        + " read x </dev/console; echo \"$x\" >/file; exec /probe --handle",
                ])
            try box.withContainer(box.id()) {
                // A pipe that nobody reads yet.
                let running = try box.launch(
                    ["run", "--bundle", box.bundle, box.id()], input: .bytes(Array("key\n".utf8)))
                _ = try running.readLine()
                let runtime = running.pid
                let program = try #require(HostProcess.initProcess(of: runtime))
                let deadline = Deadline(10)
                while !deadline.hasPassed && !isStalled(program) { sched_yield() }
                #expect(isStalled(program))
                #expect(box.read("rootfs/file") == "key\n")
                running.send(SIGTERM)
                #expect(HostProcess.waitForEnd(of: program))
                #expect(try running.finish().code == 40 + SIGTERM)
            }
        }
    }

    /// Whether the program waits for a signal, and its child for room in the terminal.
    private func isStalled(_ program: pid_t) -> Bool {
        let writers = HostProcess.children(of: program)
        // rt_sigtimedwait on either architecture.
        return ["128", "137"].contains(Host.read("/proc/\(program)/syscall").prefix(3))
            && !writers.isEmpty
            && writers.allSatisfy { Host.read("/proc/\($0)/wchan").contains("wait_woken") }
    }

    @Test func `input may come from elsewhere, or from nowhere`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/bin/sh", "-c", "read x; echo \"got $x\"; test -t 0"])
            try box.withContainer(box.id()) {
                let outcome = try box.runCommand(
                    ["run", "--bundle", box.bundle, box.id()], input: "hello\n")
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output.contains("got hello\n"))
            }
            try prepare(box, ["/bin/sh", "-c", "echo shown; test -t 0"])
            try box.withContainer(box.id("other")) {
                let outcome = try Running(
                    "/bin/sh",
                    [
                        "-c", "exec \"$@\" <&-", "sh", Host.runtime, "--root", box.stateRoot, "run",
                        "--bundle", box.bundle, box.id("other"),
                    ]
                ).finish()
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output.contains("shown\n"))
            }
        }
    }

    @Test func `a screen alone keeps its keys for signals`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--handle"])
            let screen = try PseudoTerminal()
            let before = screen.settings
            let script =
                "\(Host.runtime) --root \(box.stateRoot) run --bundle \(box.bundle) \(box.id()) </dev/null;"
                + " echo \"ended $?\"; read line"
            try box.withContainer(box.id()) {
                let session = try Running(
                    "/bin/sh", ["-c", "trap : INT; " + script], input: .terminal(screen.name))
                try screen.waitFor("ready")
                #expect(screen.settings == before)
                screen.type("\u{3}")
                try screen.waitFor("ended \(40 + SIGINT)")
                screen.type("\n")
                _ = try session.finish()
            }
        }
    }
}
