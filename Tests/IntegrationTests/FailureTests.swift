import Foundation
import Testing

/// Starts that fail, each at another step: the message names the step, the line that asked for it,
/// the object and the reason, and nothing is left.
struct FailureTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var words: [String]
        /// The line of config.json that the message must point to has this text in it.
        var line: String?
        var change: @Sendable (inout Value) -> Void

        init(
            _ name: String, line: String?, _ words: [String],
            _ change: @escaping @Sendable (inout Value) -> Void
        ) {
            testDescription = name
            self.words = words
            self.line = line
            self.change = change
        }
    }

    static let cases = [
        Case("a layer that is missing", line: "/no/such/layer", ["/no/such/layer", "not exist"]) {
            $0["vfs"]["overlay"]["layers"].append("/no/such/layer")
        },
        Case("a root that is missing", line: "/no/such/root", ["/no/such/root", "not exist"]) {
            $0["vfs"] = nil
            $0["root"]["path"] = "/no/such/root"
        },
        Case("a bind source that is missing", line: "{", ["/no/such/source", "no such file"]) {
            $0["mounts"].append(Config.bind("/no/such/source", "/x"))
        },
        Case("a file in the way of a target", line: "{", ["/etc/passwd/x", "is a file"]) {
            $0["mounts"].append(Config.mount("/etc/passwd/x", "tmpfs"))
        },
        Case("a directory bound on a file", line: "{", ["/etc/passwd", "directory"]) {
            $0["mounts"].append(Config.bind("/etc", "/etc/passwd"))
        },
        Case("an unknown file system", line: "{", ["nofs", "does not know"]) {
            $0["mounts"].append(Config.mount("/x", "nofs"))
        },
        Case("an option that the file system does not take", line: "{", ["tmpfs", "colour=red"]) {
            $0["mounts"].append(Config.mount("/x", "tmpfs", ["colour=red"]))
        },
        Case("a value that the file system does not take", line: "{", ["tmpfs", "size=much"]) {
            $0["mounts"].append(Config.mount("/x", "tmpfs", ["size=much"]))
        },
        Case("a remount of no mount", line: "{", ["/etc", "not a mount point"]) {
            $0["mounts"].append(Config.mount("/etc", "", ["remount", "ro"]))
        },
        Case("a namespace that is missing", line: "{", ["/no/ns", "no such file"]) {
            $0["linux"]["namespaces"][0] = ["type": "pid", "path": "/no/ns"]
        },
        Case("a network namespace that is none", line: "{", ["/etc/passwd", "not a network"]) {
            $0["linux"]["namespaces"][1] = ["type": "network", "path": "/etc/passwd"]
        },
        Case("a sysctl that is missing", line: "net.ipv4.nothing", ["net/ipv4/nothing", "kernel"]) {
            $0["linux"]["sysctl"] = ["net.ipv4.nothing": "1"]
        },
        Case("a sysctl with a bad value", line: "kernel.msgmax", ["kernel/msgmax", "value"]) {
            $0["linux"]["sysctl"] = ["kernel.msgmax": "many"]
        },
        Case("a limit above the hard one", line: "RLIMIT_NOFILE", ["RLIMIT_NOFILE", "permitted"]) {
            $0["process"]["rlimits"] = [
                ["type": "RLIMIT_NOFILE", "soft": 1, "hard": 2_000_000_000]
            ]
        },
        Case("a lowered out-of-memory score", line: "oomScoreAdj", ["-1000", "CAP_SYS_RESOURCE"]) {
            $0["process"]["oomScoreAdj"] = -1000
        },
        Case("a working directory that is a file", line: "cwd", ["/etc/passwd", "directory"]) {
            $0["process"]["cwd"] = "/etc/passwd"
        },
        Case("a seccomp profile that is missing", line: "seccomp", ["no.json", "no such file"]) {
            $0["vfs"]["seccomp"] = "no.json"
        },
        Case("a device where a directory is", line: "{", ["etc", "something else"]) {
            $0["linux"]["devices"] = [["type": "c", "path": "/etc", "major": 1, "minor": 3]]
        },
        Case("an upper on a file", line: "upper", ["/etc/passwd", "director"]) {
            $0["vfs"]["overlay"]["upper"] = "/etc/passwd"
        },
        Case("an overlay option that is unknown", line: nil, ["overlay", "colour=red"]) {
            $0["vfs"]["overlay"]["options"] = ["colour=red"]
        },
        Case("a terminal without devpts", line: "terminal", ["devpts"]) {
            $0["process"]["terminal"] = true
            $0["mounts"] = [Config.proc]
        },
        Case("a limit twice", line: nil, ["a second limit"]) {
            $0["mounts"].append(Config.mount("", "tmpfs"))
            $0["process"]["rlimits"] = [
                ["type": "RLIMIT_CPU", "soft": 1, "hard": 2],
                ["type": "RLIMIT_CPU", "soft": 1, "hard": 2],
            ]
        },
    ]

    @Test(arguments: cases)
    func `a start that fails says where and why, and leaves nothing`(_ case: Case) throws {
        // Some of them root may do where it has all capabilities.
        if `case`.testDescription.contains("lowered") || `case`.testDescription.contains("above"),
            HostProcess.has(capability: 24)
        {
            try skip("root has CAP_SYS_RESOURCE here and nothing fails")
        }
        try Sandbox.use { box in
            var config = box.config()
            `case`.change(&config)
            let outcome = try box.run(config)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.output == "")
            for word in `case`.words {
                #expect(outcome.error.contains(word), "\(word): \(outcome)")
            }
            guard let text = `case`.line else { return }
            let mark = "config.json:"
            let place = try #require(outcome.error.components(separatedBy: mark).dropFirst().first)
            let number = try #require(Int(place.prefix { $0.isNumber }))
            let lines = config.prettyText.components(separatedBy: "\n")
            #expect(lines[number - 1].contains(text), "line \(number): \(outcome)")
        }
    }

    @Test func `what is no JSON is named by line and column`() throws {
        try Sandbox.use { box in
            let outcome = try box.start(text: "{\n  \"process\": }\n").finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("config.json:2:14:"), "\(outcome)")
        }
    }

    @Test(arguments: ["", "{}", "[]", "null", "{\"ociVersion\": \"1.3.0\"}", "\u{0}"])
    func `a config with nothing in it is an error`(_ text: String) throws {
        try Sandbox.use { box in
            let outcome = try box.start(text: text).finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("config.json"), "\(outcome)")
        }
    }
}
