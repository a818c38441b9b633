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
                changed.contains("mount on /proc: no mount -> proc, rw,nosuid,nodev,noexec"),
                "\(changed)")
            #expect(!changed.contains("by the plan"))
            screen.type("bogus\n")
            _ = try screen.waitFor("\"bogus\" is none of the words")
            screen.type("continue\n")
            _ = try screen.waitFor("the end")
            #expect(try run.finish().code == 0)
        }
    }

    /// Real, by the kernel: not what the plan says.
    @Test func `what a step has changed is read from the kernel`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let run = try stepping(box, ["--stop-at", "forbid new privileges"], screen)
            _ = try screen.waitFor(Self.question)
            screen.type("changed\n")
            #expect(try screen.waitFor(Self.question).contains("by the plan:"))
            var said = ""
            for _ in 0..<4 {
                screen.type("next\n")
                _ = try screen.waitFor(Self.question)
                screen.type("changed\n")
                said += try screen.waitFor(Self.question)
            }
            #expect(said.contains("no_new_privs: 0 -> 1"), "\(said)")
            #expect(said.contains("effective capabilities: all "), "\(said)")
            #expect(said.contains("-> CAP_KILL CAP_NET_BIND_SERVICE CAP_AUDIT_WRITE"), "\(said)")
            screen.type("quit\n")
            #expect(try run.finish().code == 130)
        }
    }

    /// Programs of the image would have the caller's rights, in namespaces that are not confined yet.
    @Test func `a shell is in the container's namespaces as they are, and is the host's`() throws {
        try Sandbox.use { box in
            box.mayChange = ["image", "state"]
            try box.write("image/tools/marker", "")
            let names = ["hostile/sh", "hostile/ls", "hostile/hostile", "findmnt", "proc/self/exe"]
            for name in names {
                let path = try box.write("image/\(name)", "#!/bin/sh\necho $0 > /pwned\n")
                chmod(path, 0o755)
            }
            let screen = try PseudoTerminal()
            let run = try stepping(
                box,
                [
                    "--layer", box.path("image"), "--upper", box.path("state"), "--stop-at",
                    "enter /",
                ],
                screen, environment: ["TERM=xterm", "PATH=/hostile:/bin"])
            let first = try screen.waitFor(Self.question)
            #expect(first.contains("\u{1b}[H\u{1b}[J"))
            screen.type("shell\n")
            _ = try screen.waitFor("# ")
            screen.type("echo host=$(hostname)\n")
            _ = try screen.waitFor("host=box")
            // A command of the shell itself: of the image nothing is executed, unless its path is typed.
            screen.type("echo tools=$(ls /tools).\n")
            _ = try screen.waitFor("tools=marker.")
            // Neither from the working directory, which is the root of the image, nor by its path.
            screen.type("cd /; findmnt; echo code=$?\n")
            _ = try screen.waitFor("code=127")
            screen.type("/hostile/hostile; echo code=$?\n")
            _ = try screen.waitFor("code=126")
            screen.type("grep -c noexec /proc/mounts; grep -vc noexec /proc/mounts; echo counted\n")
            let counted = try screen.waitFor("\r\ncounted")
            #expect(counted.contains("\r\n0\r\ncounted"), "\(counted)")
            // It cannot be written to as /proc/PID/exe.
            screen.type("(: > /proc/self/exe) 2>&1 | tail -c 22; echo\n")
            _ = try screen.waitFor("ead-only file system")
            screen.type("exit\n")
            _ = try screen.waitFor(Self.question)
            screen.type("quit\n")
            #expect(try run.finish().code == 130)
            #expect(access(box.path("state/upper/pwned"), F_OK) != 0)
        }
    }

    /// A command of the shell that needs a process of its own executes /proc/self/exe: here it is a file of
    /// the image.
    @Test func `a shell before proc is mounted executes nothing of the image`() throws {
        try Sandbox.use { box in
            box.mayChange = ["image", "state"]
            let path = try box.write("image/proc/self/exe", "#!/bin/sh\necho $0 > /pwned\n")
            chmod(path, 0o755)
            let screen = try PseudoTerminal()
            let run = try stepping(
                box,
                [
                    "--layer", box.path("image"), "--upper", box.path("state"), "--stop-at",
                    "mount proc on /proc",
                ], screen)
            _ = try screen.waitFor(Self.question)
            screen.type("shell\n")
            _ = try screen.waitFor("# ")
            screen.type("find /proc; (find /proc); ps; /proc/self/exe; echo is=there\n")
            _ = try screen.waitFor("\nis=there")
            screen.type("exit\n")
            _ = try screen.waitFor(Self.question)
            screen.type("quit\n")
            #expect(try run.finish().code == 130)
            #expect(access(box.path("state/upper/pwned"), F_OK) != 0)
        }
    }

    /// What a process of the container could look into while it joins.
    @Test func `a shell has no descriptor of the runtime, and dies with it`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let run = try stepping(box, ["--stop-at", "enter /"], screen)
            _ = try screen.waitFor(Self.question)
            screen.type("shell\n")
            _ = try screen.waitFor("# ")
            screen.type(
                "echo others=$(ls -l /proc/$$/fd | grep -vc -e tty -e pts -e pipe: -e total)\n")
            _ = try screen.waitFor("others=0")
            run.send(SIGKILL)
            _ = try run.finish()
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
