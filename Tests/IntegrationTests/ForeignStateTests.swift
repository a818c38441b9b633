import Glibc
import Testing

/// States of containers name programs that are run as the caller, processes that are killed and
/// directories that are removed: those of another user are not believed.
@Suite struct `States of another user` {
    private static let stranger: uid_t = 54_322

    private static let commands: [[String]] = [
        ["state"], ["delete"], ["delete", "--force"], ["kill"], ["start"], ["ps"], ["pause"],
        ["resume"], ["update", "--pids-limit", "5"], ["events", "--stats"], ["diff"],
    ]

    /// Whose it is, as a person who plants one would have it.
    struct Planting: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Of the root of states, of the container's directory, of its files.
        var owners: (uid_t, uid_t, uid_t) = (0, 0, 0)
        var modes: (mode_t, mode_t, mode_t) = (0o700, 0o700, 0o600)

        static let all = [
            Planting(testDescription: "the root's owner", owners: (stranger, stranger, stranger)),
            Planting(testDescription: "the root's mode", modes: (0o777, 0o700, 0o600)),
            Planting(testDescription: "the directory's owner", owners: (0, stranger, stranger)),
            Planting(testDescription: "the directory's mode", modes: (0o700, 0o770, 0o600)),
            Planting(testDescription: "the files' owner", owners: (0, 0, stranger)),
            Planting(testDescription: "the files' mode", modes: (0o700, 0o700, 0o666)),
        ]

        func plant(_ box: Sandbox) {
            let directory = "\(box.stateRoot)/\(box.id())"
            for name in ["state.json", "config.json", "groups.json"] {
                _ = chown("\(directory)/\(name)", owners.2, owners.2)
                chmod("\(directory)/\(name)", modes.2)
            }
            _ = chown(directory, owners.1, owners.1)
            chmod(directory, modes.1)
            _ = chown(box.stateRoot, owners.0, owners.0)
            chmod(box.stateRoot, modes.0)
        }
    }

    @Test(arguments: Planting.all)
    func `are refused by every command, and their hooks are not run`(
        _ planting: Planting
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            let hook = try box.write("hook", "#!/bin/sh\necho > \(box.path("ran"))\n", mode: 0o755)
            config["hooks"]["poststop"] = [["path": .string(hook)]]
            try box.create(nil, config)
            planting.plant(box)
            defer {
                Planting(testDescription: "").plant(box)
                _ = try? box.command("delete", "--force", box.id())
            }
            for command in Self.commands {
                let outcome = try box.runCommand(command + [box.id()])
                #expect(outcome.code == 1, "\(command): \(outcome)")
                #expect(outcome.error.contains("not believed"), "\(command): \(outcome)")
            }
            let entered = try box.command("exec", box.id(), "true")
            #expect(entered.code != 0 && entered.error.contains("not believed"), "\(entered)")
            let list = try box.command("list")
            #expect(list.error.contains("not believed"), "\(list)")
            #expect(!list.output.contains(box.id()), "\(list)")
            #expect(!box.exists("ran"))
            Planting(testDescription: "").plant(box)
            #expect(try box.status() == "created")
        }
    }

    @Test func `take no container`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("containers", mode: 0o777)
            try box.prepare(box.config())
            let outcome = try box.command("create", box.id())
            #expect(
                outcome.code == 1 && outcome.error.contains("others may write to it"), "\(outcome)")
            #expect(box.containers == [])
        }
    }

    @Test func `in XDG_RUNTIME_DIR are refused as well`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try box.makeDirectory("states/vfs-run/box")
            try box.write("states/vfs-run/box/state.json", "{}")
            let outcome = try box.startOrdinary(["list"]).finish()
            #expect(
                outcome.code == 1 && outcome.error.contains("it belongs to the user 0"),
                "\(outcome)")
        }
    }

    @Test(arguments: ["state.json", "config.json"])
    func `are not read behind a link or from a FIFO`(_ name: String) throws {
        try Sandbox.use { box in
            try box.create()
            let file = "\(box.stateRoot)/\(box.id())/\(name)"
            let aside = box.path("aside")
            #expect(rename(file, aside) == 0)
            try box.link(file, to: aside)
            let command = name == "state.json" ? ["state", box.id()] : ["exec", box.id(), "true"]
            #expect(try box.runCommand(command).code != 0)
            unlink(file)
            #expect(mkfifo(file, 0o600) == 0)
            let waiting = try box.runCommand(command)
            #expect(waiting.code != 0, "\(waiting)")
            unlink(file)
            #expect(rename(aside, file) == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `are not written without the name of the machine's run`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config())
            let hidden =
                "mount --bind /dev/null /proc/sys/kernel/random/boot_id && exec \"$@\""
            func run(_ words: [String]) throws -> Outcome {
                try Running(
                    try #require(Host.find("unshare")),
                    ["--mount", "sh", "-c", hidden, "sh", Host.runtime, "--root", box.stateRoot]
                        + words, environment: ["PATH=/usr/bin:/bin"], directory: box.bundle
                ).finish()
            }
            let created = try run(["create", box.id()])
            #expect(created.code == 1, "\(created)")
            #expect(box.containers == [])
            // One that runs is not taken for one that has stopped.
            try box.create()
            let deleted = try run(["delete", box.id()])
            #expect(deleted.code == 1 && deleted.error.contains("boot_id"), "\(deleted)")
            #expect(try box.status() == "created")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `that name what is no control group remove nothing`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("victim/inner")
            try box.create()
            let file = "\(box.stateRoot)/\(box.id())/state.json"
            let before = Host.read(file)
            var state = try Value(parsing: before)
            state["parents"] = Value([box.path("victim/inner"), box.path("victim")])
            try box.write(file, state.text, mode: 0o600)
            for command in [["state"], ["kill"], ["delete", "--force"]] {
                let outcome = try box.runCommand(command + [box.id()])
                #expect(
                    outcome.code == 1
                        && outcome.error.contains(
                            "\"\(box.path("victim/inner"))\" as one of its groups"),
                    "\(command): \(outcome)")
            }
            #expect(box.exists("victim/inner"))
            try box.write(file, before, mode: 0o600)
            try box.succeed("delete", "--force", box.id())
        }
    }
}
