import Glibc
import Testing

/// `vfs-run step`: a prompt before each step.
struct StepCommandTests {
    private static let question = "why, config, quit: "

    private func stepping(
        _ box: Sandbox, _ options: [String], _ screen: PseudoTerminal, environment: [String] = []
    ) throws -> Running {
        var config = box.config()
        config.run(["echo", "the end"])
        let file = try box.write("bundle/config.json", config.prettyText)
        return try Running(
            Host.runtime, ["step"] + options + [file], environment: environment,
            input: .terminal(screen.name))
    }

    @Test func `the prompt tells why, what asks for it and what has changed`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let run = try stepping(box, ["--stop-at", "mount proc on /proc"], screen)
            let first = try screen.waitFor(Self.question)
            #expect(first.contains("> ") && first.contains("mount proc on /proc"), "\(first)")
            #expect(!first.contains("\u{1b}[J"), "without TERM nothing is erased")
            screen.type("why\n")
            let why = try screen.waitFor(Self.question)
            #expect(why.contains("Makes a new instance of a file system"), "\(why)")
            #expect(why.contains("fsopen"))
            screen.type("config\n")
            let config = try screen.waitFor(Self.question)
            #expect(config.contains("config.json:") && config.contains("mounts[0]"), "\(config)")
            screen.type("\n")
            _ = try screen.waitFor(Self.question)
            screen.type("changed\n")
            let changed = try screen.waitFor(Self.question)
            #expect(
                changed.contains("mount on /proc: no mount -> mount proc on /proc"), "\(changed)")
            screen.type("bogus\n")
            _ = try screen.waitFor("\"bogus\" is none of the words")
            screen.type("continue\n")
            _ = try screen.waitFor("the end")
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `a shell is in the container's namespaces as they are`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let run = try stepping(
                box, ["--stop-at", "enter /"], screen, environment: ["TERM=xterm"])
            let first = try screen.waitFor(Self.question)
            #expect(first.contains("\u{1b}[H\u{1b}[J"))
            screen.type("shell\n")
            _ = try screen.waitFor("# ")
            screen.type("echo host=$(hostname)\n")
            _ = try screen.waitFor("host=box")
            screen.type("exit\n")
            _ = try screen.waitFor(Self.question)
            screen.type("quit\n")
            #expect(try run.finish().code == 130)
        }
    }

    @Test func `without a terminal it says so`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let setsid = try #require(Host.find("setsid"))
            let outcome = try Running(setsid, ["--wait", Host.runtime, "step", file]).finish()
            #expect(
                outcome.code == 125 && outcome.error.contains("no terminal to wait at"),
                "\(outcome)")
        }
    }
}
