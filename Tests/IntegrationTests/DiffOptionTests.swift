import Glibc
import Testing

/// `vfs-run --diff`: what a run changed, printed when it has ended.
struct DiffOptionTests {
    @Test func `what a throw-away run wrote is printed before it vanishes`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(
                box.config(), ["--diff"],
                arguments: ["sh", "-c", "echo said; echo 1 > /new; rm /etc/passwd; exit 3"])
            #expect(outcome.code == 3)
            #expect(outcome.output.hasPrefix("said\n"))
            #expect(outcome.output.contains("D /etc/passwd\n"), "\(outcome)")
            #expect(outcome.output.contains("A /new\n"), "\(outcome)")
        }
    }

    @Test func `it goes to a file, as lines or as JSON, and leaves the streams to the program`()
        throws
    {
        try Sandbox.use { box in
            box.mayChange = ["changes", "changes.json"]
            for (name, first) in [("changes", "A /new\n"), ("changes.json", "[")] {
                let outcome = try box.run(
                    box.config(), ["--diff=\(box.path(name))"],
                    arguments: ["sh", "-c", "echo said; echo 1 > /new"])
                #expect(outcome.code == 0 && outcome.output == "said\n", "\(outcome)")
                #expect(box.read(name).hasPrefix(first), "\(box.read(name))")
            }
            let rows = try Value(parsing: box.read("changes.json"))
            #expect(rows.array?.count == 1 && rows[0]["path"] == "/new")
            // Before the program runs.
            let refused = try box.run(
                box.config(), ["--diff=/no/such/file"], arguments: ["sh", "-c", "echo said"])
            #expect(refused.code == 125 && refused.output == "", "\(refused)")
            #expect(refused.error.contains("--diff: \"/no/such/file\" cannot be written"))
        }
    }

    @Test func `places to mount on that the start has made are no changes of the program`() throws {
        try Sandbox.use { box in
            var config = box.config()
            _ = try box.makeDirectory("shared")
            config["mounts"].append(Config.bind(box.path("shared"), "/made/for/it", ["ro"]))
            let outcome = try box.run(
                config, ["--diff"], arguments: ["sh", "-c", "echo 1 > /made/own; echo 1 > /new"])
            #expect(outcome.output == "A /made/own\nA /new\n", "\(outcome)")
        }
    }

    @Test func `it is printed when the program is killed, too`() throws {
        try Sandbox.use { box in
            let run = try box.start(
                box.config(), ["--diff"],
                arguments: ["sh", "-c", "echo 1 > /new; exec /probe --wait"], input: .open)
            _ = try run.readLine()
            run.send(SIGTERM)
            let outcome = try run.finish()
            #expect(outcome.code == 128 + SIGTERM, "\(outcome)")
            #expect(outcome.output.contains("A /new\n"), "\(outcome)")
        }
    }

    @Test func `a runtime that is killed prints nothing and leaves nothing`() throws {
        try Sandbox.use { box in
            let run = try box.start(
                box.config(), ["--diff"],
                arguments: ["sh", "-c", "echo 1 > /new; exec /probe --wait"], input: .open)
            _ = try run.readLine()
            run.send(SIGKILL)
            let outcome = try run.finish()
            #expect(!outcome.output.contains("A /new"), "\(outcome)")
        }
    }

    @Test func `an upper that is kept is compared as a whole`() throws {
        try Sandbox.use { box in
            box.mayChange = ["state"]
            let state = ["--upper", box.path("state")]
            try box.run(box.config(), state, arguments: ["sh", "-c", "echo 1 > /first"])
            let outcome = try box.run(
                box.config(), state + ["--diff"], arguments: ["sh", "-c", "echo 1 > /second"])
            #expect(outcome.output.contains("A /first\n"), "\(outcome)")
            #expect(outcome.output.contains("A /second\n"), "\(outcome)")
        }
    }

    @Test func `a plan hands the upper over only where it is asked for`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config())
            let file = box.path("bundle/config.json")
            #expect(!(try box.succeed("plan", file).output.contains("hand the upper over")))
            #expect(try box.succeed("plan", "--diff", file).output.contains("hand the upper over"))
        }
    }
}
