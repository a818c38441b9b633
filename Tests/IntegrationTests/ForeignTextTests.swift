import Archives
import Glibc
import Testing

/// What images, containers and other users choose the words of reaches the caller's terminal
/// printable and cut (A14, A23), and programs as JSON, exactly.
struct ForeignTextTests {
    private static let evil = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}x"

    /// As JSON has it, for documents that are written by hand.
    private static let evilJSON = #"\u001b]0;owned\u0007\u009b31m\u202ex"#
    private static let shown = #"\x1b]0;owned\x07\x9b31m\u202ex"#

    /// Nothing that a terminal would obey, and not too much.
    private func expectPrintable(
        _ text: String, containing part: String = ForeignTextTests.shown, lines: Int = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isPrintable = text.unicodeScalars.allSatisfy {
            $0 == "\n"
                || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value)
                    && !(0x2028...0x202e).contains($0.value)
        }
        #expect(isPrintable, "\(text.debugDescription)", sourceLocation: sourceLocation)
        #expect(text.contains(part), "\(text.prefix(5000))", sourceLocation: sourceLocation)
        #expect(text.utf8.count < lines * 4200, sourceLocation: sourceLocation)
    }

    @Test func `a script's interpreter`() throws {
        try Sandbox.use { box in
            try box.write("probe-layer/script", "#!/no\(ForeignTextTests.evil)\n", mode: 0o755)
            let outcome = try box.run(box.config(), arguments: ["/script"])
            #expect(outcome.code == 127)
            expectPrintable(outcome.error)
        }
    }

    @Test(arguments: ["\u{1b}[31m", "\nvfs-run: all is well", "name"])
    func `a program's name of 70,000 bytes keeps the reason`(_ start: String) throws {
        try Sandbox.use { box in
            let name = "/" + start + String(repeating: "x", count: 70_000)
            let outcome = try box.run(box.config(), arguments: [name, "argument"])
            #expect(outcome.code == 126 || outcome.code == 127, "\(outcome.code)")
            expectPrintable(outcome.error, containing: "…")
            #expect(outcome.error.hasSuffix("file name too long\n"), "\(outcome.error.suffix(200))")
            #expect(outcome.error.filter { $0 == "\n" }.count == 1)
        }
    }

    @Test(arguments: ["\u{1b}[31mx", String(repeating: "x", count: 70_000)])
    func `an id that is none`(_ id: String) throws {
        try Sandbox.use { box in
            for command in ["state", "create", "exec", "delete"] {
                let words = [command, id] + (command == "exec" ? ["true"] : [])
                let outcome = try box.runCommand(words)
                #expect(outcome.code != 0)
                expectPrintable(outcome.error, containing: "invalid container ID format")
            }
        }
    }

    /// In a directory of states that another user could write.
    @Test func `list shows a state's words, and tells programs exactly`() throws {
        try Sandbox.use { box in
            try box.create()
            let file = "containers/\(box.id())/state.json"
            let text = box.read(file)
            let long = ForeignTextTests.evilJSON + String(repeating: "y", count: 70_000)
            try box.write(
                file,
                text.replacing("\"bundle\":\"\(box.bundle)\"", with: "\"bundle\":\"\(long)\""),
                mode: 0o600)
            let table = try box.succeed("list").output
            expectPrintable(table)
            let list = try box.succeed("list", "--format", "json").output
            #expect(!list.contains("\u{9b}") && !list.contains("\u{202e}"))
            #expect(
                try Value(parsing: list)[0]["bundle"]
                    == .string(ForeignTextTests.evil + String(repeating: "y", count: 70_000)))
            try box.write(file, text, mode: 0o600)
            try box.succeed("delete", box.id())
        }
    }

    @Test func `plan and lint`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.run([
                "/bin/sh", "\(ForeignTextTests.evil)\n\(String(repeating: "x", count: 70_000))",
            ])
            config["process"]["cwd"] = .string("relative\(ForeignTextTests.evil)")
            let file = try box.write("bundle/config.json", config.prettyText)
            let lint = try box.runCommand(["lint", file])
            expectPrintable(lint.output, lines: 3)
            config["process"]["cwd"] = "/"
            try box.write("bundle/config.json", config.prettyText)
            for options in [[], ["--explain"]] {
                let plan = try box.runCommand(["plan"] + options + [file])
                #expect(plan.code == 0, "\(plan)")
                expectPrintable(plan.output, lines: 20)
                let line = try #require(
                    plan.output.split(separator: "\n").first {
                        $0.contains("execute /bin/sh")
                    })
                #expect(line.contains(ForeignTextTests.shown) && line.utf8.count < 4300)
            }
            let json = try Value(parsing: try box.runCommand(["plan", "--json", file]).output)
            #expect(
                json.array?.contains {
                    ($0["does"].string ?? "").hasPrefix(
                        "execute /bin/sh \(ForeignTextTests.evil)\nxxx")
                } == true)
        }
    }

    @Test func `an image's names`() throws {
        try Sandbox.use { box in
            let evil = ForeignTextTests.evilJSON
            var tar = TarFile()
            tar.add("file", content: "")
            try box.writeLayout([
                (evil + String(repeating: "t", count: 70_000), evil, [(tar.finished, .none)]),
                ("t", "s390x", [(tar.finished, .none)]),
            ])
            for name in ["t", "none", ""] {
                let image = "oci:\(box.path("layout"))" + (name.isEmpty ? "" : ":\(name)")
                let outcome = try box.unpack(image, ["--platform", "linux/mips"])
                #expect(outcome.code == 1)
                expectPrintable(outcome.error, containing: name == "t" ? "s390x" : "there")
            }
        }
    }

    @Test func `--log has one record a message, exact and cut`() throws {
        try Sandbox.use { box in
            let id = ForeignTextTests.evil + String(repeating: "x", count: 70_000)
            for format in ["text", "json"] {
                let log = box.path("log.\(format)")
                try box.command("state", id, globals: ["--log", log, "--log-format", format])
                let text = Host.read(log)
                #expect(text.filter { $0 == "\n" }.count == 1)
                #expect(text.utf8.count < 4400 && !text.contains("\u{1b}"))
                if format == "text" { continue }
                let record = try Value(parsing: text)
                #expect(record["msg"].string?.contains(ForeignTextTests.evil) == true)
            }
        }
    }
}
