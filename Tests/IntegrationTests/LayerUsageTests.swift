import Archives
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

    /// As when they lie unpacked, without being unpacked.
    @Test(arguments: Compression.allCases)
    func `layers of an image are told from its archives`(_ compression: Compression) throws {
        var one = TarFile()
        one.directory("dir/")
        one.add("dir/gone", content: "1234")
        one.add("dir/kept", content: "12")
        one.add("linked", content: "123")
        one.add("again", "1", link: "linked")
        one.add("deep/er/x", content: "1")
        one.add("file", content: "12345")
        var two = TarFile()
        two.add("dir/.wh.gone")
        two.add("deep/.wh..wh..opq")
        two.add("deep/new", content: "1234567")
        two.add("linked", content: "1")
        two.link("file", to: "elsewhere")
        two.add(".wh.never")
        var three = TarFile()
        three.directory("file/")
        three.add("file/inside", content: "12")
        three.add(".wh.dir")
        three.add("dir/own", content: "9")
        let layers = [one, two, three].map { ($0.finished, compression) }
        try Sandbox.use { box in
            box.mayChange = ["layout", "app", "image.tar"]
            try box.writeLayout([("t", nil, layers)])
            let place = box.path("layout")
            let told = try box.succeed("layers", "--json", "oci:\(place):t")
            let rows = try #require(Value(parsing: told.output).array)
            #expect(rows.map { $0["layer"] } == layers.map { .string("\(SHA256.of($0.0))") })
            #expect(rows[0]["files"] == 6 && rows[0]["bytes"] == 15, "\(rows)")
            // gone, kept, x, file, and one name of two of a file.
            #expect(rows[0]["hidden_files"] == 5 && rows[0]["hidden_bytes"] == 12, "\(rows)")
            #expect(rows[1]["removed"] == 2 && rows[1]["emptied"] == 1, "\(rows)")
            #expect(rows[1]["hidden_files"] == 1 && rows[1]["bytes"] == 8, "\(rows)")
            #expect(rows[2]["emptied"] == 1 && rows[2]["files"] == 2, "\(rows)")
            #expect(TreeSnapshot.names(in: box.path("app")).isEmpty, "nothing is unpacked")
            // The directory of the layout, an archive of it, and what unpack makes of it.
            #expect(try box.succeed("layers", "--json", place).output == told.output)
            _ = try Running("/bin/tar", ["-C", place, "-cf", box.path("image.tar"), "."]).finish()
            let archive = "oci-archive:\(box.path("image.tar")):t"
            #expect(try box.succeed("layers", "--json", archive).output == told.output)
            #expect(try box.unpack("oci:\(place):t").code == 0)
            let unpacked = try box.succeed("layers", "--json", box.path("app"))
            let keys = ["files", "bytes", "removed", "emptied", "hidden_files", "hidden_bytes"]
            let others = try #require(Value(parsing: unpacked.output).array)
            #expect(
                others.map { row in keys.map { row[$0] } }
                    == rows.map { row in keys.map { row[$0] } })
        }
    }

    @Test func `a layer that its digest does not fit, or that is too large, is an error`() throws {
        var tar = TarFile()
        for name in 0..<20 { tar.add("\(name)", content: String(repeating: "x", count: 1000)) }
        try Sandbox.use { box in
            box.mayChange = ["layout"]
            try box.writeLayout([("t", nil, [(tar.finished, .none)])])
            let place = "oci:\(box.path("layout"))"
            let many = try box.runCommand(["layers", "--max-entries", "10", place])
            #expect(many.code == 1 && many.error.contains("--max-entries"), "\(many)")
            var deep = TarFile()
            for name in 0..<10 {
                deep.add("\(name)/" + String(repeating: "d/", count: 40) + "x", content: "")
            }
            let file = try box.writeBytes("deep.tar", deep.finished)
            box.mayChange.insert("deep.tar")
            let made = try box.runCommand(["layers", "--max-entries", "400", file])
            #expect(made.code == 1 && made.error.contains("--max-entries"), "\(made)")
            #expect(try box.runCommand(["layers", "--max-entries", "500", file]).code == 0)
            let large = try box.runCommand(["layers", "--max-size", "10K", place])
            #expect(large.code == 1 && large.output.isEmpty, "\(large)")
            let blob = "layout/blobs/sha256/\(SHA256.of(tar.finished).hexadecimal)"
            var bytes = tar.finished
            bytes[512] = 0x79
            try box.writeBytes(blob, bytes)
            let damaged = try box.runCommand(["layers", place])
            #expect(damaged.code == 1 && damaged.error.contains("damaged"), "\(damaged)")
            #expect(damaged.output.isEmpty)
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
