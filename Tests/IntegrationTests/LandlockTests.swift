import CLinux
import Glibc
import Testing

/// `vfs.landlock`: rules made from the mounts.
struct LandlockTests {
    private func config(_ box: Sandbox) -> Value {
        var config = box.config()
        config["vfs"]["landlock"] = true
        config["mounts"].append(Config.mount("/tmp", "tmpfs", ["nosuid", "nodev", "mode=1777"]))
        return config
    }

    /// A mount that is read-only answers before the rules are asked.
    @Test(arguments: [true, false])
    func `below a root that is read-only, what is writable is listed`(_ isReadOnly: Bool) throws {
        try Sandbox.use { box in
            try box.makeDirectory("shared")
            try box.write("shared/file", "shared\n")
            var config = config(box)
            config["root"]["readonly"] = .bool(isReadOnly)
            config["mounts"].append(Config.bind(box.path("shared"), "/mnt", ["ro"]))
            let facts = try box.probe(
                config,
                [
                    "create:/new", "mkdir:/etc/new", "create:/tmp/new", "read:/mnt/file",
                    "create:/mnt/new", "read:/etc/passwd", "exec:/bin/true", "open-write:/dev/null",
                    "read:/proc/self/comm", "mknod:/tmp/null",
                ])
            #expect(facts.result("create:/new") == (isReadOnly ? "EROFS" : "ok"))
            #expect(facts.result("mkdir:/etc/new") == (isReadOnly ? "EROFS" : "ok"))
            #expect(facts.result("create:/tmp/new") == "ok")
            #expect(facts.found("read:/mnt/file") == "shared\n")
            #expect(facts.result("create:/mnt/new") == "EROFS")
            #expect(facts.result("exec:/bin/true") == "ok")
            #expect(facts.result("open-write:/dev/null") == "ok")
            #expect(facts.found("read:/proc/self/comm") == "probe\n")
            #expect(["EACCES", "EPERM"].contains(facts.result("mknod:/tmp/null")))
        }
    }

    @Test func `files move between directories, and programs run in all writable places`() throws {
        try Sandbox.use { box in
            let script =
                "mkdir /tmp/a /tmp/b && echo x > /tmp/a/f && mv /tmp/a/f /tmp/b/g"
                + " && ln /tmp/b/g /tmp/a/h && rm -r /tmp/a && cp /bin/busybox /tmp/busybox"
                + " && /tmp/busybox cat /tmp/b/g"
            let outcome = try box.run(config(box), arguments: ["sh", "-c", script])
            #expect(outcome.code == 0 && outcome.output == "x\n", "\(outcome)")
        }
    }

    @Test func `with every capability nothing is mounted`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config.grant(["CAP_SYS_ADMIN", "CAP_MKNOD"])
            let facts = try box.probe(config, ["call:mount", "call:umount", "mknod:/new"])
            #expect(facts.result("call:mount") == "EPERM")
            #expect(facts.result("call:umount") == "EPERM")
            #expect(facts.result("mknod:/new") == "ok", "the config asks for CAP_MKNOD")
        }
    }

    /// The network namespace is the host's: nothing but Landlock is in between.
    @Test(arguments: [true, false])
    func `abstract sockets of the host are out of reach`(_ hasLandlock: Bool) throws {
        guard clinux_landlock_version() >= 6 else { return }
        try Sandbox.use { box in
            let name = "vfs-run-test-\(box.controlGroup)"
            let socket = clinux_listen_abstract(name)
            try #require(socket >= 0)
            defer { close(socket) }
            var config = config(box)
            config["vfs"]["landlock"] = .bool(hasLandlock)
            config.share("network")
            try box.write("probe-layer/selftest", "")
            config["mounts"].append(Config.bind(Host.runtime, "/selftest", ["ro"]))
            let outcome = try box.run(
                config, arguments: ["/selftest", "selftest", "--inside", "socket=\(name)"])
            let found = try Value(parsing: outcome.output)["abstract-socket"]
            #expect(found[0] == (hasLandlock ? "holds" : "fails"), "\(found)")
        }
    }

    @Test(arguments: [true, false])
    func `a file of the host among the streams cannot be opened again`(
        _ hasLandlock: Bool
    ) throws {
        try Sandbox.use { box in
            var config = config(box)
            config["vfs"]["landlock"] = .bool(hasLandlock)
            try box.write("input", "of the host\n", mode: 0o666)
            try box.prepare(config, arguments: ["/probe", "open-write:/proc/self/fd/0"])
            let outcome = try Running(
                "/bin/sh",
                [
                    "-c", "exec \"$@\" < \(box.path("input"))", "sh", Host.runtime, "--root",
                    box.stateRoot, "run", box.id(),
                ], directory: box.bundle
            ).finish()
            let facts = try Facts(outcome)
            #expect(
                facts.result("open-write:/proc/self/fd/0") == (hasLandlock ? "EACCES" : "ok"))
        }
    }

    @Test func `a container is created, started, entered and ended`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["vfs"]["init"] = true
            config["root"]["readonly"] = true
            try box.createAndStart(config)
            let entered = try box.command(
                "exec", box.id(), "/probe", "create:/new", "create:/tmp/new")
            let facts = try Facts(entered)
            #expect(facts.result("create:/new") == "EROFS")
            #expect(facts.result("create:/tmp/new") == "ok")
            let first = try box.pid()
            let killed = try box.command("exec", box.id(), "sh", "-c", "kill -TERM 2")
            #expect(killed.code == 0, "\(killed)")
            #expect(HostProcess.waitForEnd(of: first))
            try box.succeed("delete", box.id())
        }
    }

    /// Processes of others in there are not the container's.
    @Test(arguments: [true, false])
    func `exec reaches no process outside, whose pid namespace the container has`(
        _ isShared: Bool
    ) throws {
        guard clinux_landlock_version() >= 6 else { return }
        try Sandbox.use { box in
            var config = config(box)
            if isShared { config.share("pid") }
            try box.createAndStart(config)
            let other = try Running("/bin/sleep", ["600"])
            defer { other.send(SIGKILL) }
            let target = isShared ? Int(other.pid) : 1
            let entered = try box.command(
                "exec", box.id(), "sh", "-c", "kill -0 \(target) && echo reached")
            #expect((entered.output == "reached\n") == !isShared, "\(entered)")
            #expect(HostProcess.field("PPid", of: other.pid) != nil)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `it needs no_new_privs`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["process"]["noNewPrivileges"] = false
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("vfs.landlock: needs process.noNewPrivileges"))
        }
    }
}
