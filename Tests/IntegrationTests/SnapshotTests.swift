import Glibc
import Testing

/// `--snapshot NAME` and `undo`.
struct SnapshotTests {
    private func run(
        _ box: Sandbox, _ script: String, snapshot: String? = nil, options: [String] = [],
        config: Value? = nil
    ) throws -> Outcome {
        box.mayChange = ["state"]
        let freezing = snapshot.map { ["--snapshot", $0] } ?? []
        return try box.run(
            config ?? box.config(), ["--upper", box.path("state")] + freezing + options,
            arguments: ["sh", "-c", script])
    }

    private func text(_ box: Sandbox, _ script: String) throws -> String {
        let outcome = try run(box, script)
        #expect(outcome.code == 0, "\(outcome)")
        return outcome.output
    }

    @Test func `a state is gone back to, once and again`() throws {
        try Sandbox.use { box in
            _ = try run(box, "echo 1 > /one; chmod 700 /")
            _ = try run(box, "echo 2 > /two; rm /one /etc/passwd", snapshot: "first")
            _ = try run(box, "echo 3 > /three; rm -r /etc", snapshot: "second")
            let state = box.path("state")
            #expect(try box.succeed("undo", "--list", state).output == "first\nsecond\n")
            #expect(try text(box, "ls -d /one /two /three /etc; true").contains("/three"))
            try box.succeed("undo", state)
            #expect(
                try text(box, "ls -d /one /two /three /etc/passwd /etc; true") == "/etc\n/two\n")
            _ = try run(box, "rm /two")
            try box.succeed("undo", state, "second")
            #expect(try text(box, "cat /two") == "2\n")
            try box.succeed("undo", state, "first")
            #expect(try text(box, "ls -d /one /two /etc/passwd; true").contains("/one"))
            #expect(try text(box, "stat -c %a /") == "700\n")
            #expect(try box.succeed("undo", "--list", state).output == "first\n")
            #expect(
                TreeSnapshot.names(in: state)
                    == ["layers.json", "lock", "snapshots", "upper", "work"])
        }
    }

    @Test func `diff and commit take all that was written, or what was since`() throws {
        try Sandbox.use { box in
            _ = try run(box, "echo 1 > /one; mkdir /d; echo > /d/x; echo > /d/y")
            _ = try run(box, "echo 2 > /two; rm /etc/passwd /d/x", snapshot: "a")
            let last = try run(
                box, "rm /two; echo 3 > /three; rm -r /d; mkdir /d", snapshot: "b",
                options: ["--diff"])
            #expect(last.output == "M /d/  emptied first\nA /three\nD /two\n", "\(last)")
            let state = box.path("state")
            #expect(
                try box.succeed("diff", state).output
                    == "A /d/\nD /etc/passwd\nA /one\nA /three\n")
            #expect(try box.succeed("diff", "--since", "b", state).output == last.output)
            #expect(
                try box.succeed("diff", "--since", "a", state).output
                    == "M /d/  emptied first\nD /etc/passwd\nA /three\n")
            try box.succeed("commit", state, "-o", box.path("layer") + "/")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append("../layer")
            let outcome = try box.run(
                config, arguments: ["sh", "-c", "ls /d /one /two /three /etc/passwd; true"])
            #expect(outcome.output == "/one\n/three\n\n/d:\n", "\(outcome)")
        }
    }

    @Test func `what one run removed and the next one makes again stays without its files`() throws
    {
        try Sandbox.use { box in
            try box.write("low/o/d/secret", "s")
            try box.write("low/o/file", "f")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append("../low")
            _ = try run(box, "rm -r /o/d; rm /o/file", config: config)
            let again = try run(
                box, "mkdir /o/d /o/file; echo > /o/d/new", snapshot: "one", config: config)
            #expect(again.code == 0, "\(again)")
            let state = box.path("state")
            #expect(
                try box.succeed("diff", state).output
                    == "M /o/d/  emptied first\nA /o/d/new\nT /o/file/  file -> directory\n")
            try box.succeed("commit", "-q", state, "-o", box.path("layer.tar"))
            let list = try Running("/usr/bin/tar", ["-tf", box.path("layer.tar")]).finish().output
            #expect(list.contains("o/d/.wh..wh..opq"), "\(list)")
            try box.succeed("commit", "-q", state, "-o", box.path("layer") + "/")
            // More layers, so that the next snapshot merges the first two.
            let ls = "ls -d /o/d/secret; cat /o/file; ls /o/d"
            config["vfs"]["overlay"]["layers"].append("../layer")
            let stacked = try box.run(config, arguments: ["sh", "-c", ls])
            #expect(stacked.output == "new\n", "\(stacked)")
            config = box.config()
            config["vfs"]["overlay"]["layers"].append("../low")
            for number in 0..<475 {
                try box.makeDirectory("layers/\(number)")
                config["vfs"]["overlay"]["layers"].append("../layers/\(number)")
            }
            try box.succeed("undo", "--all", state)
            _ = try run(box, "rm -r /o/d", config: config)
            _ = try run(box, "mkdir /o/d; echo > /o/d/new", snapshot: "one", config: config)
            for name in ["two", "three"] {
                _ = try run(box, "true", snapshot: name, config: config)
            }
            #expect(try box.succeed("undo", "--list", state).output == "two\nthree\n")
            #expect(try run(box, ls, config: config).output == "fnew\n")
        }
    }

    @Test func `many snapshots are merged before the kernel has too many layers`() throws {
        try Sandbox.use { box in
            var config = box.config()
            for number in 0..<476 {
                try box.makeDirectory("layers/\(number)")
                config["vfs"]["overlay"]["layers"].append("../layers/\(number)")
            }
            _ = try run(box, "echo 0 > /zero; echo > /gone; rm /etc/passwd", config: config)
            for (name, script) in [
                ("a", "echo 1 > /one; rm /gone"), ("b", "echo 2 > /two"), ("c", "echo 3 > /three"),
            ] {
                let outcome = try run(box, script, snapshot: name, config: config)
                #expect(outcome.code == 0, "\(outcome)")
            }
            let state = box.path("state")
            #expect(try box.succeed("undo", "--list", state).output == "b\nc\n")
            let found = try run(box, "ls /zero /one /two /three /gone /etc/passwd", config: config)
            #expect(found.output == "/one\n/three\n/two\n/zero\n", "\(found)")
            #expect(
                try box.succeed("diff", state).output
                    == "D /etc/passwd\nA /one\nA /three\nA /two\nA /zero\n")
        }
    }

    @Test func `a state in use, a name that is taken, and one that is missing are refused`() throws
    {
        try Sandbox.use { box in
            let state = box.path("state")
            box.mayChange = ["state"]
            #expect(try box.command("undo", box.path("nothing")).error.contains("has no snapshot"))
            let first = try box.start(
                box.config(), ["--upper", state, "--snapshot", "a"],
                arguments: ["/probe", "--wait"], input: .open)
            _ = try first.readLine()
            for words in [["undo", state], ["undo", state, "a"]] {
                let outcome = try box.runCommand(words)
                #expect(outcome.code == 1 && outcome.error.contains("in use"), "\(outcome)")
            }
            let second = try box.start(
                box.config(), ["--upper", state, "--snapshot", "b"], arguments: ["true"]
            ).finish()
            #expect(
                second.code == 125 && second.error.contains("in use by another run"), "\(second)")
            first.send(SIGTERM)
            _ = try first.finish()
            let again = try run(box, "true", snapshot: "a")
            #expect(
                again.code == 125 && again.error.contains("a snapshot \"a\" already"), "\(again)")
            let hostile = try run(box, "true", snapshot: "../a")
            #expect(
                hostile.code == 125 && hostile.error.contains("invalid snapshot name"), "\(hostile)"
            )
            #expect(try box.command("undo", state, "x").error.contains("it has \"a\""))
            let nowhere = try box.run(box.config(), ["--snapshot", "a"])
            #expect(nowhere.code == 125 && nowhere.error.contains("needs --upper"), "\(nowhere)")
        }
    }

    @Test func `a plan shows the snapshots as layers and takes none`() throws {
        try Sandbox.use { box in
            _ = try run(box, "echo 1 > /one")
            try box.prepare(box.config())
            let plan = try box.succeed(
                "plan", "--upper", box.path("state"), "--snapshot", "a",
                box.path("bundle/config.json")
            ).output
            #expect(plan.contains("freeze it as the snapshot a"), "\(plan)")
            #expect(!box.exists("state/snapshots"))
        }
    }
}
