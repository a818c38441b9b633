import Glibc
import Testing

/// `--stdin`, `--stdout`, `--stderr`
struct StreamFileTests {
    private func run(_ box: Sandbox, _ options: [String], _ script: String) throws -> Outcome {
        var config = box.config()
        config.run(["sh", "-c", script])
        let file = try box.write("bundle/config.json", config.prettyText)
        return try Running(Host.runtime, options + [file]).finish()
    }

    @Test func `each stream has its file`() throws {
        try Sandbox.use { box in
            let input = try box.write("in", "hello\n")
            let (output, errors) = (box.path("out"), box.path("err"))
            let outcome = try run(
                box, ["--stdin", input, "--stdout", output, "--stderr", errors],
                "cat; echo no >&2; exit 3")
            #expect(outcome.code == 3)
            #expect(outcome.output.isEmpty && outcome.error.isEmpty, "\(outcome)")
            #expect(box.read("out") == "hello\n")
            #expect(box.read("err") == "no\n")
        }
    }

    @Test func `one file for both keeps their order, and is emptied before`() throws {
        try Sandbox.use { box in
            let both = try box.write("both", String(repeating: "old\n", count: 100))
            let script = "for i in 1 2 3; do echo o$i; echo e$i >&2; done"
            let outcome = try run(box, ["--stdout", both, "--stderr", both], script)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("both") == "o1\ne1\no2\ne2\no3\ne3\n")
        }
    }

    @Test func `the program has no descriptor of the file, and cannot open it through one`() throws
    {
        try Sandbox.use { box in
            let input = try box.write("in", "secret\n", mode: 0o666)
            let output = box.path("out")
            let outcome = try run(
                box, ["--stdin", input, "--stdout", output],
                """
                for i in 0 1; do ls -l /proc/self/fd/$i | grep -q pipe: && echo pipe; done
                echo spoiled > /proc/self/fd/0; echo end
                """)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("in") == "secret\n")
            #expect(box.read("out").hasPrefix("pipe\npipe\n"), "\(box.read("out"))")
        }
    }

    @Test func `a symbolic link is not written through, nor a file with other names`() throws {
        try Sandbox.use { box in
            let link = try box.link("link", to: box.path("canary/file"))
            let first = try run(box, ["--stdout", link], "echo spoiled")
            #expect(first.code == 125)
            #expect(first.error.contains("it is a symbolic link"), "\(first)")
            try #require(Glibc.link(box.path("canary/file"), box.path("twin")) == 0)
            let second = try run(box, ["--stdout", box.path("twin")], "echo spoiled")
            #expect(second.code == 125)
            #expect(box.read("canary/file") == "untouched\n")
            unlink(box.path("twin"))
        }
    }

    @Test func `input and output are two files`() throws {
        try Sandbox.use { box in
            let file = try box.write("file", "text\n")
            let outcome = try run(box, ["--stdin", file, "--stdout", file], "cat")
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("is standard input too"), "\(outcome)")
            #expect(box.read("file") == "text\n")
        }
    }

    @Test func `a directory is no stream`() throws {
        try Sandbox.use { box in
            let outcome = try run(box, ["--stdin", box.directory], "cat")
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("cannot be standard input"), "\(outcome)")
        }
    }

    @Test func `what is larger than a pipe goes through whole`() throws {
        try Sandbox.use { box in
            let input = try box.write("in", String(repeating: "0123456789abcdef", count: 1 << 16))
            let outcome = try run(
                box, ["--stdin", input, "--stdout", box.path("out")], "cat; echo e >&2")
            #expect(outcome.code == 0 && outcome.error == "e\n", "\(outcome)")
            #expect(box.read("out") == box.read("in"))
        }
    }
}
