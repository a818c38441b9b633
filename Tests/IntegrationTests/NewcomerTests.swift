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
                ("plann", "did you mean \"plan\"?"),
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
