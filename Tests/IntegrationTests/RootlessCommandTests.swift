import Glibc
import Testing

/// What of the command line is about not being root: `spec --rootless`, `--rootless`, where states
/// are.
struct RootlessCommandTests {
    private func words(_ text: String) -> [String] {
        text.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    @Test(arguments: [false, true])
    func `spec writes what a user's container has, and it runs`(_ hasSubordinates: Bool) throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let user = OrdinaryUser(hasSubordinates: hasSubordinates)
            let written = try box.startOrdinary(
                ["spec", "--rootless", "--bundle", box.path("keep")], as: user
            ).finish()
            try #require(written.code == 0 && written.error == "", "\(written)")
            var config = try Value(parsing: box.read("keep/config.json"))
            let kinds = config["linux"]["namespaces"].array?.compactMap { $0["type"].string }
            #expect(kinds?.contains("user") == true)
            let own: Value = [
                "containerID": 0, "hostID": .integer(Int64(OrdinaryUser.id)), "size": 1,
            ]
            #expect(config["linux"]["uidMappings"] == [own])
            config["root"]["path"] = .string(box.path("rootfs"))
            config["process"]["terminal"] = nil
            config["linux"]["seccomp"] = nil
            let one = try box.runOrdinary(config, user, shell: "/bin/cat /proc/self/uid_map")
            #expect(words(one.output) == words("0 \(OrdinaryUser.id) 1"), "\(one)")
            // Without mappings of the config the start has all that the user may map.
            config["linux"]["uidMappings"] = nil
            config["linux"]["gidMappings"] = nil
            let ran = try box.runOrdinary(config, user, shell: "/bin/cat /proc/self/uid_map")
            #expect(
                words(ran.output)
                    == words("0 \(OrdinaryUser.id) 1" + (hasSubordinates ? " 1 300000 65536" : "")),
                "\(ran)")
        }
    }

    @Test(arguments: ["auto", "true", "false"])
    func `root is root, unless the option says otherwise`(_ mode: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.run(["cat", "/proc/self/uid_map"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.asRoot("--rootless", mode, file)
            #expect(outcome.code == 0, "\(outcome)")
            #expect((words(outcome.output) != ["0", "0", "4294967295"]) == (mode == "true"))
        }
    }

    @Test func `without a directory for states the user is told what to set`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.run(["/bin/sh"])
            try box.write("bundle/config.json", config.prettyText)
            let setpriv = try #require(Host.find("setpriv"))
            let outcome = try Running(
                setpriv,
                [
                    "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)", "--clear-groups",
                    box.path("vfs-run"), "run", "--bundle", box.bundle, "nowhere",
                ], environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("/run/user/\(OrdinaryUser.id)"), "\(outcome)")
            #expect(outcome.error.contains("XDG_RUNTIME_DIR"), "\(outcome)")
        }
    }

    /// A change of the config and what is said about it.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var words: String
        var make: @Sendable (inout Value) -> Void
    }

    static let mistakes = [
        Mistake(
            testDescription: "a group that there is none for",
            words:
                "process.user.additionalGids[0]: the group 7 is not mapped in the user namespace of the"
                + " container; add subordinate ids of the caller to /etc/subgid"
        ) { $0["process"]["user"] = ["uid": 0, "gid": 0, "additionalGids": [7]] },
        Mistake(
            testDescription: "half of the mappings",
            words: "needs linux.uidMappings and linux.gidMappings"
        ) {
            $0.mapIDs()
            $0["linux"]["gidMappings"] = nil
        },
        Mistake(
            testDescription: "a device of the host's network",
            words: "moving network devices of the host requires root"
        ) { $0["linux"]["netDevices"] = ["lo": [:]] },
        Mistake(
            testDescription: "a file system that is on a disk",
            words: "root of a user namespace may not mount this file system; bind a directory of it"
        ) { $0["mounts"].append(Config.mount("/data", "ext4", ["ro"])) },
        Mistake(
            testDescription: "a clock at no time at all",
            words: "the clock would stand before its beginning, or beyond its end"
        ) {
            $0["linux"]["namespaces"].append(["type": "time"])
            $0["linux"]["timeOffsets"] = ["boottime": ["secs": 9_000_000_000_000_000_000]]
        },
        Mistake(
            testDescription: "an upper in somebody else's directory",
            words: "permission denied; name a directory that this user may write to"
        ) { $0["vfs"]["overlay"] = ["upper": "/etc/nothing"] },
    ]

    @Test(arguments: mistakes)
    func `an ordinary user's mistake has one sentence`(_ mistake: Mistake) throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            mistake.make(&config)
            let outcome = try box.runOrdinary(config, shell: ":")
            #expect(outcome.code == 125)
            #expect(outcome.error.contains(mistake.words), "\(outcome)")
            #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome)")
        }
    }

    @Test func `limits of the user namespace it gets are the user's to set`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["linux"]["sysctl"] = ["user.max_user_namespaces": "3"]
            let outcome = try box.runOrdinary(
                config, shell: "/bin/cat /proc/sys/user/max_user_namespaces")
            #expect(outcome.output == "3\n", "\(outcome)")
        }
    }

    @Test func `the one-shot form needs no directory for states`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.run(["/bin/sh", "-c", "echo ran"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try Running(
                try #require(Host.find("setpriv")),
                [
                    "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)", "--clear-groups",
                    box.path("vfs-run"), file,
                ], environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(outcome.output == "ran\n", "\(outcome)")
        }
    }
}
