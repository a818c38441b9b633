import Glibc
import Testing

/// `vfs-run layers` and `diff --tree`.
struct LayerUsageTests {
    /// Two layers, and an upper that a run has written over them.
    private func prepare(_ box: Sandbox) throws {
        box.mayChange = ["state"]
        for (name, text) in [
            ("one/kept", "123"), ("one/old", "12345678"), ("one/dir/gone", "1234"),
        ] {
            try box.write(name, text)
        }
        try box.write("two/old", "12")
        try box.write("two/dir/new", "1")
        var config = box.config()
        config["vfs"]["overlay"]["layers"] = Value([
            Host.base, box.probeLayer, box.path("one"), box.path("two"),
        ])
        try box.run(
            config, ["--upper", box.path("state")],
            arguments: [
                "sh", "-c",
                "rm /dir/gone; printf 1234567 > /kept; mkdir /made; printf 12 > /made/x",
            ])
    }

    @Test func `each layer is told with what it adds, removes and what is hidden of it`() throws {
        try Sandbox.use { box in
            try prepare(box)
            let outcome = try box.succeed("layers", "--json", box.path("state"))
            let rows = try #require(Value(parsing: outcome.output).array)
            #expect(rows.count == 5, "\(outcome)")
            func row(_ name: String) throws -> Value {
                try #require(rows.first { $0["layer"].string == name }, "\(outcome)")
            }
            let one = try row(box.path("one"))
            #expect(one["files"] == 3 && one["bytes"] == 15 && one["removed"] == 0)
            #expect(one["hidden_files"] == 3 && one["hidden_bytes"] == 15)
            let two = try row(box.path("two"))
            #expect(two["files"] == 2 && two["bytes"] == 3 && two["hidden_files"] == 0)
            let upper = try row("the upper")
            #expect(upper["removed"] == 1 && upper["hidden_bytes"] == 0)
            #expect(upper["bytes"] == 9)
            #expect(rows.last?["layer"] == "the upper")
            // A config names its layers, too.
            let config = try box.succeed("layers", box.path("bundle/config.json"))
            let lines = config.output.split(separator: "\n")
            #expect(lines.count == 6 && lines[3].hasSuffix(box.path("one")))
            #expect(lines[3].contains("1 file, 8"), "\(lines[3])")
            #expect(lines[5].hasSuffix("in all"))
        }
    }

    @Test func `sizes that no number holds are the greatest`() throws {
        try Sandbox.use { box in
            // ext4 holds no file of that size.
            let state = "/dev/shm/\(box.id())"
            defer { _ = try? Running("/bin/rm", ["-rf", state]).finish() }
            let made = try box.run(
                box.config(), ["--upper", state],
                arguments: [
                    "sh", "-c", "for i in 1 2 3; do truncate -s 9223372036854775807 /$i; done",
                ])
            #expect(made.code == 0, "\(made)")
            try box.succeed("layers", state)
            try box.succeed("diff", "--tree", state)
            try box.succeed("diff", "--stat", state)
        }
    }

    @Test func `changes as a tree have the size of each directory`() throws {
        try Sandbox.use { box in
            try prepare(box)
            let tree = try box.succeed("diff", "--tree", box.path("state")).output
            let lines = tree.split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
            #expect(lines.contains(["D", "gone", "-4"]), "\(tree)")
            #expect(lines.contains(["dir/", "-4", "1", "change"]), "\(tree)")
            #expect(lines.contains(["M", "kept", "+4"]), "\(tree)")
            #expect(lines.contains(["A", "made/", "+2", "1", "change"]), "\(tree)")
            #expect(lines.contains(["A", "x", "+2"]), "\(tree)")
            #expect(lines.first?.first == "/", "\(tree)")
            #expect(tree.contains("\n      x") == false && tree.contains("A     x"), "\(tree)")
        }
    }
}
