import Glibc
import Testing

/// Kept uppers of ordinary users: whose the files are, and how their user gets at them and rid of
/// them.
struct RootlessUpperTests {
    private let subordinate = OrdinaryUser(hasSubordinates: true)

    /// What only one of the container's users may read, and cannot be removed by the host's.
    private let script = """
        b=/bin/busybox; $b mkdir -p /closed/inner; echo secret > /closed/file; $b chmod 600 /closed/file
        $b chown -R 1000:1000 /closed; $b chmod 700 /closed
        $b rm -r /etc; $b mkdir /etc
        """

    private func write(_ box: Sandbox, options: [String] = []) throws {
        var config = box.ordinaryConfig()
        config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"])
        let outcome = try box.runOrdinary(
            config, subordinate, options: ["--upper", box.path("keep/state")] + options,
            shell: script)
        try #require(outcome.code == 0 && outcome.error == "", "\(outcome)")
    }

    private func run(_ box: Sandbox, _ words: String...) throws -> Outcome {
        try box.startOrdinary(words, as: subordinate).finish()
    }

    @Test func `diff and commit read what belongs to ids set aside for the user`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try write(box)
            var status = stat()
            #expect(lstat(box.path("keep/state/upper/closed"), &status) == 0)
            #expect(status.st_uid == 300_999)
            let state = box.path("keep/state")
            let changes = try run(box, "diff", state)
            #expect(changes.code == 0, "\(changes)")
            #expect(changes.output.contains("A /closed/file\n"), "\(changes)")
            let commit = try run(box, "commit", state, "-o", box.path("keep/new.tar"))
            #expect(commit.code == 0, "\(commit)")
            let tar = try #require(Host.find("tar"))
            let listing = try Running(
                tar, ["--numeric-owner", "-tvf", box.path("keep/new.tar")],
                environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(listing.output.contains("1000/1000"), "\(listing)")
            #expect(!listing.output.contains("300999"), "\(listing)")
            #expect(lstat(box.path("keep/new.tar"), &status) == 0)
            #expect(status.st_uid == OrdinaryUser.id)
        }
    }

    @Test func `undo removes what rm may not, with all that was kept`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try write(box)
            try write(box, options: ["--snapshot", "first"])
            let state = box.path("keep/state")
            let plain = try Running(
                try #require(Host.find("setpriv")),
                [
                    "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)", "--clear-groups",
                    "rm", "-rf", state,
                ], environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(plain.error.contains("Permission denied"), "\(plain)")
            let outcome = try run(box, "undo", "--all", state)
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            #expect(!box.exists("keep/state"))
        }
    }

    @Test func `a user with one id alone is rid of directories that nobody may enter`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let state = box.path("keep/state")
            let kept = try box.runOrdinary(
                box.ordinaryConfig(), options: ["--upper", state],
                shell:
                    "b=/bin/busybox; $b mkdir -p /a/b/c/d; echo >/a/b/c/d/e; $b chmod 0 /a/b/c /a/b"
            )
            try #require(kept.code == 0, "\(kept)")
            let changes = try box.startOrdinary(["diff", state]).finish()
            #expect(changes.output.contains("A /a/b/c/d/e\n"), "\(changes)")
            let outcome = try box.startOrdinary(["undo", "--all", state]).finish()
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            #expect(!box.exists("keep/state"))
        }
    }

    @Test func `a snapshot is gone back to, whosever the files are`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let state = box.path("keep/state")
            let first = try box.runOrdinary(
                box.ordinaryConfig(), subordinate, options: ["--upper", state],
                shell: "echo 1 >/one"
            )
            try #require(first.code == 0, "\(first)")
            try write(box, options: ["--snapshot", "first"])
            let back = try run(box, "undo", state)
            #expect(back.code == 0 && back.error == "", "\(back)")
            #expect(TreeSnapshot.names(in: "\(state)/upper") == [])
            let changes = try run(box, "diff", state)
            #expect(changes.output.contains("A /one\n"), "\(changes)")
        }
    }

    @Test func `snapshots are merged, whosever the files are`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"])
            config["vfs"]["overlay"]["layers"].append(.string(box.path("rootfs")))
            for number in 0..<477 {
                let layer = try box.makeDirectory("layers/\(number)")
                config["vfs"]["overlay"]["layers"].append(.string(layer))
            }
            let state = box.path("keep/state")
            let steps = [
                ([], script), (["a"], "echo new > /closed/file"), (["b"], "echo > /two"),
                (["c"], "echo > /three"),
            ]
            for (snapshot, script) in steps {
                let outcome = try box.runOrdinary(
                    config, subordinate,
                    options: ["--upper", state] + snapshot.flatMap { ["--snapshot", $0] },
                    shell: script)
                try #require(outcome.code == 0 && outcome.error == "", "\(outcome)")
            }
            #expect(try run(box, "undo", "--list", state).output == "b\nc\n")
            var status = stat()
            #expect(lstat("\(state)/snapshots/0002-b/closed", &status) == 0)
            #expect(status.st_uid == 300_999 && status.st_mode & 0o7777 == 0o700)
            let found = try box.runOrdinary(
                config, subordinate, options: ["--upper", state],
                shell:
                    "b=/bin/busybox; $b cat /closed/file; $b ls -n /closed; $b ls /two /three /etc")
            #expect(found.output.hasPrefix("new\n"), "\(found)")
            #expect(found.output.contains(" 1000     1000 "), "\(found)")
            #expect(found.output.contains("/two\n"), "\(found)")
        }
    }

    @Test func `undo takes nothing for an upper that is none`() throws {
        try Sandbox.use { box in
            let outcome = try box.asRoot("undo", "--all", box.canary)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("is not a directory of --upper"), "\(outcome)")
            let both = try box.asRoot("undo", "--all", box.canary, "first")
            #expect(both.error.contains("give it without NAME"), "\(both)")
        }
    }

    @Test func `root's undo --all leaves what is somebody else's in the directory`() throws {
        try Sandbox.use { box in
            box.mayChange = ["state"]
            let state = box.path("state")
            _ = try box.run(
                box.config(), ["--upper", state], arguments: ["sh", "-c", "echo > /new"])
            try box.write("state/mine", "")
            try box.succeed("undo", "--all", state)
            #expect(TreeSnapshot.names(in: state) == ["mine"])
        }
    }

    // MARK: What would be lost in silence

    @Test func `another kind of user than the one who wrote it would see removed files again`()
        throws
    {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try write(box)
            let state = box.path("keep/state")
            let config = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            let foreign = try box.asRoot("--upper", state, config)
            #expect(
                foreign.code == 125
                    && foreign.error.contains("it belongs to the user \(OrdinaryUser.id)"),
                "\(foreign)")
            for path in [state, state + "/layers.json"] { chown(path, 0, 0) }
            let asRoot = try box.asRoot("--upper", state, config)
            #expect(asRoot.code == 125)
            #expect(asRoot.error.contains("was written by an ordinary user's runs"), "\(asRoot)")

            let own = box.path("own")
            box.mayChange = ["own"]
            try #require(try box.asRoot("--upper", own, config).code == 0)
            try box.write("own/upper/file", "")
            let other = try box.asRoot("--rootless", "true", "--upper", own, config)
            #expect(other.code == 125)
            #expect(other.error.contains("was written by root's runs"), "\(other)")
        }
    }

    @Test(arguments: [
        ("", "trusted"), ("setpriv --reuid=54321 --regid=54321 --clear-groups ", "user"),
    ])
    func `a file system without attributes is named before the container meets it`(
        _ user: String, _ kind: String
    ) throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let config = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            let keep = box.path("keep")
            let outcome = try box.inMounts(
                "mount -t ramfs none \(keep) && chmod 777 \(keep)",
                "exec \(user)\(box.path("vfs-run")) --upper \(keep)/state \(config)")
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains(
                    "the upper \"\(keep)/state/upper\" is on a file system without \(kind).*"
                        + " attributes"), "\(outcome)")
        }
    }

    @Test func `one that does not tell kinds of files is named`() throws {
        try Sandbox.use { box in
            guard let make = Host.find("mkfs.ext4") else { try skip("mkfs.ext4 is not installed") }
            try box.prepareOrdinary()
            let config = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            let (keep, image) = (box.path("keep"), box.path("image"))
            let outcome = try box.inMounts(
                "truncate -s 4M \(image) && \(make) -q -O ^filetype,^has_journal \(image)"
                    + " && mount -o loop \(image) \(keep) || exit 99",
                "exec \(box.path("vfs-run")) --upper \(keep)/state \(config)")
            if outcome.code == 99 { try skip("no loop device: \(outcome.error)") }
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("does not tell kinds of files in listings"), "\(outcome)")
        }
    }
}

extension Sandbox {
    /// The runtime as whoever runs the tests.
    func asRoot(_ words: String...) throws -> Outcome {
        try Running(Host.runtime, words, environment: ["PATH=/usr/bin:/bin"]).finish()
    }

    /// Runs shell lines as root in a mount namespace of their own.
    func inMounts(_ lines: String...) throws -> Outcome {
        try Running(
            try #require(Host.find("unshare")),
            ["--mount", "/bin/sh", "-c", lines.joined(separator: "\n")],
            environment: [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "XDG_RUNTIME_DIR=\(path("states"))",
                "HOME=\(path("states"))",
            ], directory: directory
        ).finish()
    }
}
