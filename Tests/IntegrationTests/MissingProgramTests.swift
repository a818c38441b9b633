import Testing

/// A program that cannot be run: `create` says so already, in words that engines look for.
struct MissingProgramTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var program: String
        var words: String
        var testDescription: String { program }
    }

    /// moby and podman end with 127 for the first two sentences and with 126 for the third.
    static let cases = [
        Case(program: "no-such", words: "exec: \"no-such\": executable file not found in $PATH"),
        Case(program: "/no/such", words: "exec /no/such: no such file or directory"),
        Case(program: "/etc/passwd/x", words: "no such file or directory"),
        Case(program: "/dangling", words: "exec /dangling: no such file or directory"),
        Case(program: "/plain", words: "exec /plain: permission denied"),
        Case(program: "plain", words: "exec /opt/plain: permission denied"),
        Case(program: "/etc", words: "exec /etc: permission denied: it is a directory"),
    ]

    private func config(_ box: Sandbox) throws -> Value {
        try box.write("layer/plain", "#!/bin/sh\n", mode: 0o644)
        try box.write("layer/opt/plain", "#!/bin/sh\n", mode: 0o644)
        try box.write("layer/script", "#!/usr/bin/nothing\n", mode: 0o755)
        try box.write("layer/garbage", "\u{1}\u{2}garbage", mode: 0o755)
        try box.link("layer/dangling", to: "/nowhere")
        var config = box.config()
        config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
        config["process"]["env"] = ["PATH=/opt:/bin"]
        return config
    }

    @Test(arguments: cases)
    func `it fails at create, and nothing is left`(_ case: Case) throws {
        try Sandbox.use { box in
            try box.prepare(config(box), arguments: [`case`.program])
            for command in [["create"], ["run"], ["run", "--detach"]] {
                let outcome = try box.launch(command + ["--pid-file", "pid", box.id()]).finish()
                #expect(outcome.code == 1, "\(command): \(outcome)")
                #expect(outcome.error.contains(`case`.words), "\(command): \(outcome)")
                #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome)")
                #expect(box.containers.isEmpty)
                #expect(!box.exists("bundle/pid"), "a pid was announced")
            }
        }
    }

    @Test(arguments: cases)
    func `it fails at exec with 255`(_ case: Case) throws {
        try Sandbox.use { box in
            try box.create(nil, config(box))
            for options in [[], ["--detach"]] as [[String]] {
                let outcome = try box.launch(
                    ["exec"] + options + ["--pid-file", "pid", box.id(), `case`.program]
                ).finish()
                #expect(outcome.code == 255, "\(outcome)")
                #expect(outcome.error.contains(`case`.words), "\(outcome)")
                #expect(!box.exists("bundle/pid"), "a pid was announced")
            }
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `what root may execute and the user may not fails at create`() throws {
        try Sandbox.use { box in
            try box.write("layer/tool", "#!/bin/sh\n", mode: 0o700)
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
            config["process"]["user"] = ["uid": 1000, "gid": 1000]
            try box.prepare(config, arguments: ["/tool"])
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("exec /tool: permission denied"), "\(outcome)")
        }
    }

    @Test(arguments: [
        ("/script", "exec /script: no such file or directory"), ("/garbage", "exec format error"),
    ])
    func `what only the execution finds out, start says`(
        _ program: String, _ words: String
    ) throws {
        try Sandbox.use { box in
            try box.create(nil, config(box), arguments: [program])
            let outcome = try box.command("start", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains(words), "\(outcome)")
            #expect(try box.status() == "stopped")
            try box.succeed("delete", box.id())
        }
    }
}
