import Glibc
import Testing

/// What somebody sees who does not know the program yet.
struct NewcomerTests {
    private func say(_ arguments: [String], in box: Sandbox) throws -> Outcome {
        try Running(Host.runtime, arguments, directory: box.directory).finish()
    }

    @Test func `a directory or a file for a config is answered with what to write`() throws {
        try Sandbox.use { box in
            try box.write("bundle/config.json", "{}")
            try box.write("notes", "")
            for (argument, words) in [
                (
                    "bundle",
                    "unknown command \"bundle\"; did you mean \"vfs-run ./bundle/config.json\"?"
                ),
                ("notes", "unknown command \"notes\"; did you mean \"vfs-run ./notes\"?"),
                ("./bundle", "./bundle is a directory; name ./bundle/config.json"),
                ("./bundle/", "./bundle/ is a directory; name ./bundle/config.json"),
                (
                    "./canary",
                    "./canary is a directory; name a config.json, which this directory lacks"
                ),
                ("plann", "did you mean \"plan\"?"), ("stop", "did you mean \"kill\"?"),
                ("inspect", "did you mean \"state\"?"),
                ("version", "did you mean \"--version\"?"),
                ("images", "did you mean \"layers\"?"),
                ("logs", "goes to the streams of its caller"),
                ("pull", "skopeo copy docker://IMAGE oci:DIR:TAG"),
                ("rm", "did you mean \"delete\"?"), ("ls", "did you mean \"list\"?"),
                ("nothing-like-it", "see \"vfs-run help\""),
            ] {
                let outcome = try say([argument], in: box)
                #expect(outcome.code == 125)
                #expect(outcome.error.contains(words), "\(argument): \(outcome.error)")
                #expect(outcome.error.split(separator: "\n").count == 1)
            }
        }
    }

    /// U5: each answer led to the next one, and none to a program that runs.
    @Test func `a directory or an archive with a root is answered with the command that runs it`()
        throws
    {
        try Sandbox.use { box in
            box.mayChange = ["root.tar"]
            let base = try box.makeDirectory("base")
            _ = try Running("/bin/cp", ["-a", Host.base + "/.", base]).finish()
            _ = try Running("/bin/tar", ["-C", base, "-cf", box.path("root.tar"), "."]).finish()
            for words in [
                ["base"], ["./base"], ["unpack", "base", "app"], ["root.tar"], ["./root.tar"],
            ] {
                let outcome = try say(words, in: box)
                #expect(outcome.code != 0 && outcome.output == "", "\(outcome)")
                let parts = outcome.error.split(separator: "\"").map(String.init)
                let command = try #require(
                    parts.first { $0.hasPrefix("vfs-run sandbox ") }, "\(outcome)")
                // As it stands, with a command for the shell.
                let typed = command.split(separator: " ").dropFirst().map(String.init)
                let run = try say(typed + ["-c", "cat /etc/os-release || echo in"], in: box)
                #expect(run.code == 0 && !run.output.isEmpty, "\(command): \(run)")
            }
        }
    }

    @Test func `the help of the program is the overview, with every command`() throws {
        let help = try Running(Host.runtime, ["--help"]).finish()
        #expect(help.output == (try Running(Host.runtime, ["help"]).finish().output))
        #expect(help.output.contains("\nCommands:\n") && help.output.contains("  explain "))
    }

    @Test func `the overview names every command once, and the options before it`() throws {
        let help = try Running(Host.runtime, ["help"]).finish()
        let man = try Running(Host.runtime, ["help", "--man"]).finish()
        let fish = try Running(Host.runtime, ["help", "--completion", "fish"]).finish()
        let commands = fish.output.split(separator: "\n").compactMap { line -> Substring? in
            guard line.contains("__fish_use_subcommand -a ") else { return nil }
            return line.split(separator: " -a ").last?.split(separator: " ").first
        }
        #expect(commands.count > 15)
        for command in commands {
            let lines = help.output.split(separator: "\n").filter { $0.hasPrefix("  \(command) ") }
            #expect(lines.count == 1, "\(command)")
            #expect(man.output.contains(".SS \(command)\n"))
        }
        for option in ["--root DIR", "--log FILE", "--debug", "--cgroup-manager NAME"] {
            #expect(help.output.contains(option), "\(option)")
        }
        #expect(man.output.contains("\\-\\-cgroup\\-manager"))
    }

    @Test func `the version is the program's and the specification's`() throws {
        for option in ["--version", "-v"] {
            let outcome = try Running(Host.runtime, [option]).finish()
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.hasPrefix("vfs-run version ") == true)
            #expect(lines.last == "spec: 1.3.0")
        }
    }
}
