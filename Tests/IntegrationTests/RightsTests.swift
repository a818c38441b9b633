import Glibc
import Testing

/// That a program never starts with other rights than those of its config, whatever the kernel has
/// answered on the way.
struct RightsTests {
    struct Lie: CustomTestStringConvertible {
        var call: String
        /// Its first argument; nil for any.
        var argument: Int32?
        /// 0 for a call that only says that it has done something.
        var error: Int32
        var told: String

        var testDescription: String { "\(call) \(argument ?? -1) answers \(error)" }
    }

    // From linux/prctl.h.
    private static let readBounding: Int32 = 23
    private static let dropBounding: Int32 = 24
    private static let setNoNewPrivileges: Int32 = 38

    static let lies = [
        // What libcap takes for the number of capabilities that there are.
        Lie(call: "prctl", argument: readBounding, error: EINVAL, told: "capget"),
        Lie(call: "prctl", argument: readBounding, error: EPERM, told: "capget"),
        Lie(call: "prctl", argument: dropBounding, error: 0, told: "the bounding set"),
        Lie(call: "prctl", argument: dropBounding, error: EINVAL, told: "PR_CAPBSET_DROP"),
        Lie(call: "prctl", argument: setNoNewPrivileges, error: 0, told: "no_new_privs"),
        Lie(call: "capset", argument: nil, error: 0, told: "set of capabilities"),
        Lie(call: "setresuid", argument: nil, error: 0, told: "the user differs"),
        Lie(call: "setresgid", argument: nil, error: 0, told: "the group differs"),
        Lie(call: "prlimit64", argument: nil, error: 0, told: "RLIMIT_CORE differs"),
    ]

    @Test(arguments: lies)
    func `a call that lies ends the start`(_ lie: Lie) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"] = ["uid": 1000, "gid": 1000]
            config["process"]["noNewPrivileges"] = true
            config["process"]["rlimits"] = [["type": "RLIMIT_CORE", "soft": 5, "hard": 5]]
            config.grant(["CAP_KILL"])
            config.run(["sh", "-c", "echo ran"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let whole = try Running(Host.runtime, [file]).finish()
            #expect(whole.output == "ran\n", "\(whole)")
            let outcome = try Running(
                Host.probe,
                [
                    "--pretend", lie.call, "\(lie.argument ?? -1)", "\(lie.error)", Host.runtime,
                    file,
                ]
            ).finish()
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.output == "", "the program ran: \(outcome)")
            #expect(outcome.error.contains(lie.told), "\(outcome)")
        }
    }

    /// Without an answer the caller would count as an ordinary user, who gets less.
    @Test func `a caller who cannot be told is an error`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try Running(
                Host.probe, ["--pretend", "geteuid", "-1", "\(EPERM)", Host.runtime, file]
            ).finish()
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("geteuid: the effective user is unknown"), "\(outcome)")
        }
    }

    @Test(arguments: [true, false])
    func `what the config says is what is read back, with any filter`(_ forbids: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"] = ["uid": 7, "gid": 8, "additionalGids": [9, 3, 9]]
            config["process"]["noNewPrivileges"] = .bool(forbids)
            config["vfs"]["seccomp"] = "default"
            config.grant(["CAP_KILL", "CAP_CHOWN"])
            let facts = try box.probe(config)
            #expect(facts["uids"] == [7, 7, 7])
            #expect(facts["gids"] == [8, 8, 8])
            #expect(facts["groups"] == [3, 9, 9])
            #expect(facts["noNewPrivileges"] == (forbids ? 1 : 0))
            #expect(facts["seccomp"] == 2)
        }
    }
}
