import Glibc
import Testing

/// `--stop-at`: the start waits, somebody at the terminal looks.
struct StopTests {
    private func stopped(
        _ box: Sandbox, _ options: [String], _ config: Value, _ screen: PseudoTerminal
    ) throws -> Running {
        let file = try box.write("bundle/config.json", config.prettyText)
        return try Running(Host.runtime, options + [file], input: .terminal(screen.name))
    }

    /// The number behind "init process " on the screen.
    private func initProcess(_ shown: String) throws -> pid_t {
        let words = shown.split { " :\r\n".contains($0) }
        let place = try #require(words.lastIndex(of: "process"))
        return try #require(pid_t(words[place + 1]))
    }

    @Test func `a start waits before the step, with the container as far as it is`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            var config = box.config()
            config.run(["echo", "the end"])
            let run = try stopped(box, ["--stop-at", "pivot_root"], config, screen)
            let shown = try screen.waitFor("q and Enter: quit: ")
            #expect(shown.contains("container: change the root (pivot_root)"))
            let pid = try initProcess(shown)
            // What is named is what is there: its own mounts with the overlay, and still the host's.
            #expect(Host.link("/proc/\(pid)/ns/mnt") != Host.namespace("mnt"))
            #expect(shown.contains(Host.link("/proc/\(pid)/ns/mnt") ?? "none"))
            #expect(shown.contains(Host.link("/proc/\(pid)/ns/pid") ?? "none"))
            let mounts = MountEntry.parse(Host.read("/proc/\(pid)/mountinfo"))
            #expect(mounts.contains { $0.type == "overlay" && $0.point == Host.base })
            // A program of the image would have the caller's rights.
            #expect(shown.contains("/proc/\(pid)/root") && !shown.contains("nsenter"))
            screen.type("\n")
            _ = try screen.waitFor("the end")
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `Enter goes on to the next stop, c to the end`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            var config = box.config()
            config.run(["echo", "the end"])
            let run = try stopped(
                box, ["--stop-at", "2", "--stop-at", "pivot_root", "--stop-at", "execute"], config,
                screen)
            _ = try screen.waitFor("stopped before step 2, runtime")
            _ = try screen.waitFor("there is no init process yet")
            screen.type("\n")
            _ = try screen.waitFor("(pivot_root)")
            screen.type("c\n")
            let rest = try screen.waitFor("the end")
            #expect(!rest.contains("container: execute"))
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `q ends it there, and so does Ctrl-C`() throws {
        try Sandbox.use { box in
            for key in ["q\n", "\u{3}"] {
                let screen = try PseudoTerminal()
                var config = box.config()
                config.run(["echo", "the end"])
                let run = try stopped(box, ["--stop-at", "pivot_root"], config, screen)
                let pid = try initProcess(try screen.waitFor("q and Enter: quit: "))
                screen.type(key)
                #expect(try run.finish().code == 130, "\(key)")
                #expect(kill(pid, 0) == -1)
            }
        }
    }

    @Test func `a container with a terminal of its own is stopped as well`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            var config = box.config()
            config["process"]["terminal"] = true
            config.run(["echo", "the end"])
            let run = try stopped(box, ["--stop-at", "close every"], config, screen)
            let early = try? screen.waitFor("q and Enter: quit: ", seconds: 5)
            if early == nil {
                _ = try run.finish()
                return box.record(
                    "it did not stop: \(String(decoding: screen.shown, as: UTF8.self))")
            }
            screen.type("\r")
            _ = try screen.waitFor("the end")
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `without a terminal it is refused, and nothing is left`() throws {
        try Sandbox.use { box in
            let setsid = try #require(Host.find("setsid"))
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try Running(
                setsid, ["--wait", Host.runtime, "--stop-at", "pivot_root", file]
            ).finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("there is no terminal to wait at"))
        }
    }

    @Test func `a step that is not there is an error before anything starts`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try Running(Host.runtime, ["--stop-at", "teleport", file]).finish()
            #expect(outcome.code == 125)
            #expect(
                outcome.error
                    == "vfs-run: --stop-at: no step contains \"teleport\"; \"vfs-run plan\" prints the"
                    + " steps\n")
            try box.prepareWork(.root)
            let sandbox = try box.sandbox(.root, ["--stop-at", "teleport"], shell: "true")
            #expect(sandbox.code == 125)
            #expect(
                sandbox.error.contains("\"vfs-run sandbox --plan …\" prints the steps"),
                "\(sandbox)")
        }
    }

    @Test func `a plan is explained by the manual, in text and in JSON`() throws {
        let file = Host.repository + "/config/config.json"
        let text = try Running(Host.runtime, ["plan", "--explain", file]).finish()
        #expect(text.code == 0)
        #expect(text.output.contains("Why here: "))
        let json = try Running(Host.runtime, ["plan", "--explain", "--json", file]).finish()
        let steps = try #require(try Value(parsing: json.output).array)
        let explained = steps.filter { $0["topic"].string != nil }
        #expect(explained.count >= steps.count - 3)
        for step in explained {
            for key in ["topic", "what", "calls", "why"] {
                #expect(step[key].string?.isEmpty == false, "\(step["does"]): \(key)")
            }
        }
        let plain = try Running(Host.runtime, ["plan", "--json", file]).finish()
        #expect(!plain.output.contains("\"why\""))
    }
}
