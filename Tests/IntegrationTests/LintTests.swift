import Glibc
import Testing

/// `vfs-run lint`: the checks of a start, and advice, without a start.
struct LintTests {
    private func lint(_ file: String, _ options: [String] = []) throws -> Outcome {
        try Running(Host.runtime, ["lint"] + options + [file]).finish()
    }

    @Test func `every config that comes with the project passes`() throws {
        let directory = Host.repository + "/config"
        let configs = TreeSnapshot.names(in: directory).filter {
            $0.hasSuffix(".json") && Host.read("\(directory)/\($0)").contains("\"ociVersion\"")
        }
        #expect(configs.count >= 2)
        for name in configs {
            let outcome = try lint("\(directory)/\(name)")
            #expect(outcome.code == 0, "\(name): \(outcome)")
            #expect(outcome.output == "\(directory)/\(name): no errors, no warnings\n")
        }
    }

    @Test func `what spec writes for the one-shot form leaves nothing to say, and runs`() throws {
        try Sandbox.use { box in
            try box.makeRoot("bundle/rootfs")
            let spec = ["spec", "--one-shot", "--bundle", box.bundle]
            #expect(try Running(Host.runtime, spec).finish().code == 0)
            let file = box.path("bundle/config.json")
            let outcome = try lint(file)
            #expect(outcome.output == "\(file): no errors, no warnings\n", "\(outcome)")
            let run = try Running(
                Host.runtime, [file, "sh", "-c", "id -u; cat /proc/self/uid_map; echo $LANG"]
            ).finish()
            #expect(run.code == 0, "\(run)")
            let words = run.output.split { $0 == " " || $0 == "\n" }
            #expect(words == ["0", "0", "1879048192", "65536", "C.UTF-8"])
        }
    }

    /// Who has none of those ids, and perhaps no control group.
    @Test func `who is not root runs the same config, with what they can have`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let spec = ["spec", "--one-shot", "--bundle", box.directory]
            #expect(try Running(Host.runtime, spec).finish().code == 0)
            let outcome = try box.startOrdinary(
                [box.path("config.json"), "/bin/sh", "-c", "ulimit -n"]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output == "1024\n")
        }
    }

    @Test func `what spec writes passes`() throws {
        try Sandbox.use { box in
            _ = try Running(Host.runtime, ["spec", "--bundle", box.bundle]).finish()
            let outcome = try lint(box.path("bundle/config.json"))
            #expect(outcome.code == 0, "\(outcome)")
            #expect(!outcome.output.contains("[no-seccomp]"))
            #expect(!outcome.output.contains("[masked-paths]"))
        }
    }

    @Test func `errors are those of a start, all of them, and end with 1`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["cwd"] = "tmp"
            config["process"]["rlimits"] = [["type": "RLIMIT_X", "soft": 1, "hard": 1]]
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try lint(file)
            #expect(outcome.code == 1)
            #expect(outcome.error == "")
            let start = try Running(Host.runtime, [file]).finish()
            let errors = start.error.split(separator: "\n").map { $0.dropFirst("vfs-run: ".count) }
            #expect(errors.count == 2)
            for error in errors { #expect(outcome.output.contains(error)) }
            #expect(outcome.output.contains("\(file): 2 errors, "))
        }
    }

    @Test func `as JSON each finding has its rule, its place and its path`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("network")
            config["process"]["cwd"] = "tmp"
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try lint(file, ["--json"])
            #expect(outcome.code == 1)
            let findings = try #require(try Value(parsing: outcome.output).array)
            let error = try #require(findings.first)
            #expect(error["severity"] == "error")
            #expect(error["rule"] == .null)
            #expect(error["path"] == "process.cwd")
            let advice = try #require(findings.first { $0["rule"] == "host-network" })
            #expect(advice["severity"] == "warning")
            #expect(advice["file"].string == file)
            let lines = config.prettyText.split(separator: "\n", omittingEmptySubsequences: false)
            let line = lines[Int(advice["line"].integer ?? 1) - 1]
            #expect(line.contains("\"linux\": {"))
            #expect(findings.contains { $0["rule"] == "no-seccomp" })
        }
    }

    @Test func `needs no privilege and touches nothing`() throws {
        try Sandbox.use { box in
            try box.copy(Host.runtime, to: "vfs-run")
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try box.watchingFiles {
                try Running(
                    "/usr/bin/setpriv",
                    [
                        "--reuid=65534", "--regid=65534", "--clear-groups", box.path("vfs-run"),
                        "lint", file,
                    ]
                ).finish()
            }
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains(" [no-seccomp]\n"))
        }
    }

    @Test func `what is no config is an error of the command`() throws {
        let missing = try lint("/nonexistent/config.json")
        #expect(missing.code == 1)
        #expect(missing.error.contains("no such file or directory"))
        let none = try Running(Host.runtime, ["lint"]).finish()
        #expect(none.code == 1)
        #expect(none.error.contains("requires exactly 1 argument"))
        let many = try Running(Host.runtime, ["lint", "a.json", "b.json"]).finish()
        #expect(many.error.contains("requires exactly 1 argument"))
    }
}
