import Foundation
import Glibc
import Testing

/// A restored container can do no more than its config says, and criu does what root says alone.
struct RestoredRightsTests {
    private static let echo = ["/bin/sh", "-c", "while read x; do echo $x; done"]

    /// Starts a program that echoes lines; its streams stay open in `body`.
    private func withEcho(
        _ configure: (Sandbox) throws -> Value, _ body: (Sandbox) throws -> Void
    ) throws {
        try Sandbox.use { box in
            try box.withContainer(box.id()) {
                try box.prepare(try configure(box), arguments: RestoredRightsTests.echo)
                let run = try box.launch(["run", "--detach", box.id()], input: .open)
                let outcome = try run.finish()
                try #require(outcome.code == 0, "\(outcome)")
                try withExtendedLifetime(run) { try body(box) }
            }
        }
    }

    private func expectNotSaved(
        _ box: Sandbox, _ words: String, environment: [String] = []
    ) throws {
        let outcome = try box.runCommand(
            ["checkpoint", "--image-path", box.images, box.id()],
            environment: try Criu.environment() + environment)
        #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
        #expect(try box.status() == "running")
    }

    @Test func `a container that has moved the places of its mounts is not saved`() throws {
        try withEcho({ box in
            try box.makeRoot()
            try box.link("rootfs/bin/mv", to: "busybox")
            for name in ["one", "two"] { try box.makeDirectory(name) }
            var config = box.plainConfig()
            config["mounts"].append(Config.bind(box.path("one"), "/x/d", ["ro"]))
            config["mounts"].append(Config.bind(box.path("two"), "/y/d"))
            return config
        }) { box in
            box.mayChange = ["rootfs"]
            try box.succeed(
                "exec", box.id(), "/bin/sh", "-c", "mv /x /z; mv /y /x; mv /z /y")
            try expectNotSaved(box, "of the config: directories of the container were renamed")
        }
    }

    /// Each says more than the one that the container was saved with.
    @Test func `images that allow more than the config are not restored`() throws {
        try withEcho({ box in
            try box.makeDirectory("data")
            var config = box.config()
            config["mounts"].append(Config.bind(box.path("data"), "/data"))
            config["process"]["capabilities"]["bounding"] = ["CAP_KILL", "CAP_CHOWN"]
            config["process"]["noNewPrivileges"] = false
            return config
        }) { box in
            let config = try Value(parsing: box.read("bundle/config.json"))
            try box.checkpoint()
            var tight: [(String, Value)] = []
            var changed = config
            changed["process"]["capabilities"] = ["bounding": ["CAP_KILL"]]
            tight.append(("process.capabilities.bounding", changed))
            changed = config
            changed["process"]["noNewPrivileges"] = true
            tight.append(("process.noNewPrivileges", changed))
            changed = config
            changed["process"]["user"] = ["uid": 1000, "gid": 1000]
            tight.append(("process.user.uid", changed))
            changed = config
            changed["linux"]["maskedPaths"] = ["/proc/version"]
            tight.append(("/proc/version", changed))
            changed = config
            changed["linux"]["readonlyPaths"] = ["/proc/sys"]
            tight.append(("/proc/sys", changed))
            changed = config
            var mounts = changed["mounts"].array ?? []
            mounts[mounts.count - 1] = Config.bind(box.path("data"), "/data", ["ro"])
            changed["mounts"] = .array(mounts)
            tight.append(("mounts: /data", changed))
            for (words, changed) in tight {
                try box.prepare(changed)
                let outcome = try box.startRestore().finish(seconds: 60)
                #expect(
                    outcome.code == 1 && outcome.error.contains("more than the config allows")
                        && outcome.error.contains(words), "\(words): \(outcome)")
                #expect(box.containers.isEmpty)
            }
            // The root's is the config's alone.
            changed = config
            changed["root"]["readonly"] = true
            try box.prepare(changed)
            let after = try box.restore()
            after.write("on\n")
            #expect(try after.readLine() == "on")
            let written = try box.command("exec", box.id(), "/bin/sh", "-c", "echo > /x")
            #expect(written.code != 0, "\(written)")
        }
    }

    @Test func `settings of criu come from root's directory alone`() throws {
        try withEcho({ box in
            var config = box.config()
            config["annotations"] = ["org.criu.config": .string(box.path("planted.conf"))]
            return config
        }) { box in
            try box.write("planted.conf", "log-file=planted.log\n")
            try expectNotSaved(box, "which is not in /etc/criu")
        }
        try withEcho({ $0.config() }) { box in
            try box.write("home/.criu/default.conf", "log-file=planted.log\n")
            let outcome = try box.runCommand(
                ["checkpoint", "--image-path", box.images, box.id()],
                environment: try Criu.environment() + ["HOME=" + box.path("home")])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.exists("images/dump.log") && !box.exists("images/planted.log"))
            for name in TreeSnapshot.names(in: box.images) {
                var status = stat()
                lstat("\(box.images)/\(name)", &status)
                #expect(status.st_mode & 0o077 == 0, "\(name)")
            }
        }
    }

    @Test func `a file that is one large hole is not saved`() throws {
        try withEcho({ $0.config() }) { box in
            try box.succeed("exec", box.id(), "/bin/busybox", "truncate", "-s", "3G", "/hole")
            try expectNotSaved(box, "GiB of holes")
        }
    }

    @Test func `what criu does not save is refused`() throws {
        try withEcho({ box in
            var config = box.config()
            config["vfs"]["landlock"] = true
            config["process"]["noNewPrivileges"] = true
            return config
        }) { box in try expectNotSaved(box, "vfs.landlock") }
    }
}
