import Testing

/// What the runtime says when the program cannot be run: 127 where nothing is found, 126 where it
/// cannot be executed, 125 for its own failures.
struct ProgramLookupTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var program: String
        var code: Int32
        /// Words that the message must have.
        var words: [String]
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "a name that no directory of PATH has", program: "no-such-program", code: 127,
            words: ["no-such-program", "PATH"]),
        Case(
            name: "a path that is not there", program: "/bin/no-such", code: 127,
            words: ["/bin/no-such"]),
        Case(
            name: "a path through a file", program: "/etc/passwd/x", code: 127,
            words: ["/etc/passwd/x"]),
        Case(
            name: "a directory", program: "/etc", code: 126, words: ["/etc", "is a directory"]),
        Case(
            name: "a file that is not executable", program: "/plain", code: 126,
            words: ["/plain", "not executable", "chmod"]),
        Case(
            name: "an executable file that is no program", program: "/garbage", code: 126,
            words: ["/garbage", "#!"]),
        Case(
            name: "a script whose interpreter is missing", program: "/script", code: 127,
            words: ["/script", "/usr/bin/nothing"]),
        Case(
            name: "a script with a carriage return", program: "/dos", code: 127,
            words: ["/dos", "\\r"]),
        Case(
            name: "a dangling link", program: "/dangling", code: 127, words: ["/dangling"]),
        Case(
            name: "links in a circle", program: "/circle", code: 126, words: ["/circle"]),
    ]

    @Test(arguments: cases)
    func `what cannot be run is named with its reason`(_ case: Case) throws {
        try Sandbox.use { box in
            try box.write("layer/plain", "#!/bin/sh\n", mode: 0o644)
            try box.write("layer/garbage", "\u{1}\u{2}garbage", mode: 0o755)
            try box.write("layer/script", "#!/usr/bin/nothing -x\n", mode: 0o755)
            try box.write("layer/dos", "#!/bin/sh\r\necho hi\r\n", mode: 0o755)
            try box.link("layer/dangling", to: "/nowhere")
            try box.link("layer/circle", to: "/circle")
            let outcome = try box.run(
                box.config(), ["--layer", box.path("layer")], arguments: [`case`.program])
            #expect(outcome.code == `case`.code, "\(outcome)")
            #expect(outcome.output == "")
            for word in `case`.words { #expect(outcome.error.contains(word), "\(outcome)") }
            #expect(outcome.error.split(separator: "\n").count == 1, "one sentence: \(outcome)")
        }
    }

    @Test func `a script with a shebang runs`() throws {
        try Sandbox.use { box in
            try box.write("layer/script", "#!/bin/sh -e\necho \"script $1\"\n", mode: 0o755)
            let outcome = try box.run(
                box.config(), ["--layer", box.path("layer")], arguments: ["/script", "x"])
            #expect(outcome.output == "script x\n", "\(outcome)")
        }
    }

    @Test func `the PATH that counts is the container's`() throws {
        try Sandbox.use { box in
            try box.write("layer/opt/tool", "#!/bin/sh\necho found\n", mode: 0o755)
            var config = box.config()
            config["process"]["env"] = ["PATH=/nowhere:/opt:/bin"]
            let options = ["--layer", box.path("layer")]
            let outcome = try box.run(
                config, options, arguments: ["tool"], environment: ["PATH=/usr/bin:/bin"])
            #expect(outcome.output == "found\n", "\(outcome)")
            config["process"]["env"] = ["PATH=/nowhere"]
            let missed = try box.run(
                config, options, arguments: ["tool"], environment: ["PATH=/opt:/usr/bin:/bin"])
            #expect(missed.code == 127)
        }
    }

    @Test func `without a PATH the usual directories are searched`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["env"] = []
            let outcome = try box.run(config, arguments: ["true"])
            #expect(outcome.code == 0)
        }
    }

    @Test func `a file that may not be executed does not end the search`() throws {
        try Sandbox.use { box in
            try box.write("layer/one/tool", "#!/bin/sh\necho one\n", mode: 0o644)
            try box.write("layer/two/tool", "#!/bin/sh\necho two\n", mode: 0o755)
            var config = box.config()
            config["process"]["env"] = ["PATH=/one:/two"]
            let outcome = try box.run(config, ["--layer", box.path("layer")], arguments: ["tool"])
            #expect(outcome.output == "two\n", "\(outcome)")
        }
    }

    @Test func `a relative path counts from the working directory`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["cwd"] = "/bin"
            let outcome = try box.run(config, arguments: ["./echo", "here"])
            #expect(outcome.output == "here\n")
        }
    }

    @Test(
        arguments: [
            ([], "help"), (["/nowhere/config.json"], "/nowhere/config.json"),
            (["/tmp/"], "directory"),
            (["--uper", "/x", "config.json"], "did you mean --upper"),
            (["--upper"], "needs a value"),
            (["rnu"], "rnu"),
        ] as [([String], String)])
    func `a wrong command line is 125 with a hint, or the help`(
        _ arguments: [String], _ word: String
    ) throws {
        let outcome = try Running(Host.runtime, arguments).finish()
        #expect(outcome.code == (arguments.isEmpty ? 0 : 125), "\(outcome)")
        #expect((outcome.output + outcome.error).contains(word), "\(outcome)")
    }

    /// The right to execute may be a capability's.
    @Test(arguments: [true, false])
    func `who may override permissions executes what is executable for anybody`(
        _ overrides: Bool
    ) throws {
        try Sandbox.use { box in
            try box.write("layer/tool", "#!/bin/sh\necho ran\n", mode: 0o744)
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
            config["process"]["user"] = ["uid": 1000, "gid": 1000]
            let sets = ["bounding", "effective", "permitted", "inheritable", "ambient"]
            for set in sets where overrides {
                config["process"]["capabilities"][set] = ["CAP_DAC_OVERRIDE"]
            }
            try box.prepare(config, arguments: ["/tool"])
            let named = try box.command("run", box.id())
            let alone = try box.start(config, arguments: ["/tool"]).finish()
            #expect(named.code == (overrides ? 0 : 1), "\(named)")
            #expect(alone.code == (overrides ? 0 : 126), "\(alone)")
            for outcome in [named, alone] {
                #expect(outcome.output == (overrides ? "ran\n" : ""))
                #expect(overrides || outcome.error.contains("permission denied"))
            }
        }
    }
}
