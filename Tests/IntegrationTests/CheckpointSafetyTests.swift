import Foundation
import Glibc
import Testing

/// Images say what runs as root, and a restore may fail at any moment.
struct CheckpointSafetyTests {
    private func save(_ box: Sandbox, _ config: Value? = nil) throws {
        try box.prepare(config ?? box.config(), arguments: ["/probe", "--wait"])
        let run = try box.launch(["run", "--detach", box.id()], input: .open)
        try #require(try run.finish().code == 0)
        #expect(try run.readLine() == "ready")
        try box.checkpoint()
    }

    private func expectRefusal(_ box: Sandbox, _ words: String) throws {
        let outcome = try box.startRestore().finish(seconds: 60)
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.error.contains(words), "\(outcome.error)")
        #expect(box.containers.isEmpty)
        #expect(ControlGroups.named(box.controlGroup).isEmpty)
    }

    @Test func `images that another user can have written are not restored`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            try save(box)
            chmod(box.images, 0o777)
            try expectRefusal(box, "others may write to it")
            chmod(box.images, 0o700)
            chown(box.images + "/pstree.img", 1000, 1000)
            try expectRefusal(box, "it is no file of this user's own")
            chown(box.images + "/pstree.img", 0, 0)
            symlink("/etc/hostname", box.images + "/planted")
            try expectRefusal(box, "planted")
            unlink(box.images + "/planted")
            try box.restore()
        }
    }

    @Test func `images that are damaged leave nothing, and say where the log is`() throws {
        try Sandbox.use { box in
            try save(box)
            truncate(box.images + "/core-1.img", 20)
            try expectRefusal(box, "\(box.images)/restore.log")
        }
    }

    @Test func `an upper that is missing, or leads out, is not restored`() throws {
        try Sandbox.use { box in
            try save(box)
            rename(box.images + "/upper.tar", box.path("upper.tar"))
            try expectRefusal(box, "upper.tar")
            var tar = TarFile()
            tar.link("out", to: box.path("canary"))
            tar.add("out/file", content: "planted")
            let file = box.images + "/upper.tar"
            try Data(tar.finished).write(to: URL(filePath: file))
            chmod(file, 0o600)
            try expectRefusal(box, "upper.tar")
            #expect(box.read("canary/file") == "untouched\n")
        }
    }

    /// The hook holds the restore where criu has made the namespaces.
    @Test func `a restore that is killed leaves no process`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let fifo = box.path("fifo")
            mkfifo(fifo, 0o600)
            config["hooks"]["createRuntime"] = [
                [
                    "path": "/bin/sh",
                    "args": ["sh", "-c", .string("[ ! -e \(fifo)-on ] || read x < \(fifo)")],
                ]
            ]
            box.mayChange = ["fifo-on"]
            try save(box, config)
            try box.write("fifo-on", "")
            let run = try box.startRestore()
            // The hook waits, once it has opened the FIFO.
            let gate = open(fifo, O_WRONLY | O_CLOEXEC)
            defer { close(gate) }
            run.send(SIGKILL)
            _ = try run.finish()
            #expect(try box.status() == "stopped")
            try box.succeed("delete", "--force", box.id())
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    /// criu finds that nobody listens any more, and takes back what it has done.
    @Test func `a checkpoint that is killed lets the container go on`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            try box.prepare(
                box.config(), arguments: ["/bin/sh", "-c", "while read x; do echo $x; done"])
            let run = try box.launch(["run", "--detach", box.id()], input: .open)
            try #require(try run.finish().code == 0)
            let saving = try box.launch(
                ["checkpoint", "--image-path", box.images, box.id()],
                environment: try Criu.environment())
            let deadline = Deadline(20)
            while !box.exists("images/dump.log") && !deadline.hasPassed { sched_yield() }
            saving.send(SIGKILL)
            _ = try saving.finish()
            run.write("on\n")
            #expect(try run.readLine(seconds: 20) == "on")
            #expect(try box.status() == "running")
        }
    }

    @Test func `a container that does not run is not saved`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            try box.create()
            let outcome = try box.runCommand(
                ["checkpoint", "--image-path", box.images, box.id()],
                environment: try Criu.environment())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("cannot be checkpointed in created state"))
            let nameless = try box.runCommand(["checkpoint", "--image-path", box.images, "none"])
            #expect(nameless.error.contains("does not exist"))
        }
    }

    /// podman restores into pods where a missing value has these words.
    @Test func `a missing value has the words that podman looks for`() throws {
        try Sandbox.use { box in
            let outcome = try box.runCommand(["restore", "--lsm-mount-context"])
            #expect(outcome.error.contains("flag needs an argument"), "\(outcome)")
        }
    }

    @Test func `without criu it says what to install`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            let run = try box.createAndStart()
            defer { withExtendedLifetime(run) {} }
            let outcome = try box.runCommand(
                ["checkpoint", "--image-path", box.images, box.id()],
                environment: ["PATH=/nonexistent"])
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("install the package criu"), "\(outcome.error)")
            #expect(try box.status() == "running")
        }
    }

    @Test func `options that criu cannot take are named`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            let run = try box.createAndStart()
            defer { withExtendedLifetime(run) {} }
            for (options, words) in [
                (["--parent-path", "/absolute"], "--parent-path must be relative"),
                (["--parent-path", "../none"], "--parent-path"),
                (["--page-server", "nowhere"], "is not ADDRESS:PORT"),
                (["--manage-cgroups-mode", "hard"], "--manage-cgroups-mode"),
                (["--empty-ns", "pid"], "--empty-ns"),
                (["--status-fd", "77"], "--status-fd"),
            ] {
                let outcome = try box.runCommand(
                    ["checkpoint", "--image-path", box.images] + options + [box.id()],
                    environment: try Criu.environment())
                #expect(outcome.code == 1)
                #expect(outcome.error.contains(words), "\(outcome.error)")
            }
            #expect(try box.status() == "running")
        }
    }
}
