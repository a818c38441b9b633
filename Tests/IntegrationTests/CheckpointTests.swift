import Foundation
import Glibc
import Testing

/// `checkpoint` and `restore`, by a real criu.
struct CheckpointTests {
    /// Counts the lines that it reads, in its memory and in a file.
    private static let counter =
        "n=0; while read line; do n=$((n+1)); echo $n > /count; echo \"$line $n\"; done; exit 7"

    /// With a sandbox, and a counter in it that has counted to one. Its standard streams stay open.
    private func withCounter(
        _ configure: (Sandbox) throws -> Value? = { _ in nil },
        _ body: (Sandbox, Running) throws -> Void
    ) throws {
        try Sandbox.use { box in
            try box.withContainer(box.id()) {
                let run = try start(box, try configure(box))
                try withExtendedLifetime(run) { try body(box, run) }
            }
        }
    }

    private func prepare(_ box: Sandbox, _ config: Value? = nil) throws {
        try box.prepare(
            config ?? box.config(), arguments: ["/bin/sh", "-c", CheckpointTests.counter])
    }

    /// Starts the counter, which counts to one.
    private func start(_ box: Sandbox, _ config: Value? = nil) throws -> Running {
        try prepare(box, config)
        let run = try box.launch(["run", "--detach", box.id()], input: .open)
        let outcome = try run.finish()
        try #require(outcome.code == 0, "run: \(outcome)")
        run.write("first\n")
        #expect(try run.readLine() == "first 1")
        return run
    }

    @Test func `a container goes on where it was, with what it had written`() throws {
        try withCounter { box, _ in
            let created = try box.state()["created"].string
            try box.checkpoint()
            #expect(box.containers.isEmpty)
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
            #expect(access(box.images + "/upper.tar", F_OK) == 0)
            let pidFile = box.path("pid")
            let after = try box.restore(["--pid-file", pidFile])
            after.write("second\n")
            #expect(try after.readLine() == "second 2")
            let state = try box.state()
            #expect(state["status"].string == "running")
            #expect(state["created"].string != created)
            #expect(Host.read(pidFile) == "\(state["pid"].integer ?? 0)")
            #expect(try box.succeed("exec", box.id(), "/bin/cat", "/count").output == "2\n")
            let groups = Host.read("/proc/\(try box.pid())/cgroup")
            #expect(groups.contains(box.id()), "\(groups)")
            withExtendedLifetime(after) {}
        }
    }

    @Test func `a restored container is saved and restored again`() throws {
        try withCounter { box, first in
            var run = first
            for count in 2...4 {
                try box.checkpoint(count == 3 ? ["--manage-cgroups-mode", "ignore"] : [])
                run = try box.restore(count == 3 ? ["--manage-cgroups-mode", "ignore"] : [])
                run.write("again\n")
                #expect(try run.readLine() == "again \(count)")
            }
            let ownGroups = Host.link("/proc/\(try box.pid())/ns/cgroup")
            #expect(ownGroups != Host.namespace("cgroup"))
            withExtendedLifetime(run) {}
        }
    }

    /// Mount points with their kinds and options, as the container sees them.
    private func mounts(_ box: Sandbox) throws -> [String] {
        let text = try box.succeed("exec", box.id(), "/bin/cat", "/proc/self/mountinfo").output
        return MountEntry.parse(text).map {
            "\($0.point) \($0.type) \($0.options.sorted().joined(separator: ","))"
        }.sorted()
    }

    private func configWithMounts(_ box: Sandbox, overlays: Bool) throws -> Value {
        try box.makeRoot()
        for name in ["data", "inner"] { try box.makeDirectory(name) }
        try box.write("one-file", "of the host\n")
        try box.makeDirectory("rootfs/real")
        try box.link("rootfs/link", to: "/real")
        var config = box.plainConfig()
        if overlays { config["vfs"]["overlay"] = true }
        for mount in [
            Config.bind(box.path("data"), "/data", ["rbind"]),
            Config.bind(box.path("inner"), "/data/in/it", ["ro"]),
            Config.bind(box.path("inner"), "/link"),
            Config.bind(box.path("one-file"), "/etc/one", ["ro"]),
            Config.mount("/memory", "tmpfs"),
            Config.bind(box.path("inner"), "/memory/in"),
        ] { config["mounts"].append(mount) }
        config["linux"]["maskedPaths"] = Value(["/proc/keys", "/proc/acpi"])
        config["linux"]["readonlyPaths"] = Value(["/proc/sys"])
        return config
    }

    @Test(arguments: [false, true])
    func `mounts, masks and file systems in memory are as before`(overlays: Bool) throws {
        try withCounter({ try configWithMounts($0, overlays: overlays) }) { box, _ in
            box.mayChange = ["rootfs", "data"]
            try box.succeed(
                "exec", box.id(), "/bin/sh", "-c", "echo in memory > /memory/file")
            let before = try mounts(box)
            try box.checkpoint()
            // Those in a directory of the host are made again.
            rmdir(box.path("data/in/it"))
            rmdir(box.path("data/in"))
            let after = try box.restore()
            #expect(try mounts(box) == before)
            #expect(
                try box.succeed("exec", box.id(), "/bin/cat", "/memory/file", "/etc/one").output
                    == "in memory\nof the host\n")
            withExtendedLifetime(after) {}
        }
    }

    @Test func `a container that is left running goes on, and can be saved again`() throws {
        try withCounter { box, run in
            try box.checkpoint(["--leave-running"])
            run.write("on\n")
            #expect(try run.readLine() == "on 2")
            #expect(try box.status() == "running")
            try box.checkpoint()
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `the log lies in the work path`() throws {
        try withCounter { box, _ in
            let work = box.path("work")
            try box.checkpoint(["--work-path", work])
            try box.restore(["--work-path", work])
            for name in ["dump.log", "restore.log"] {
                #expect(access("\(work)/\(name)", F_OK) == 0)
                #expect(access("\(box.images)/\(name)", F_OK) != 0)
            }
        }
    }

    /// CRIU's log names the request's options; that it starts at all says that it takes them.
    @Test func `options of criu reach it`() throws {
        try withCounter { box, _ in
            let options = [
                "--tcp-established", "--ext-unix-sk", "--file-locks",
                "--auto-dedup", "--criu", "/nowhere",
            ]
            try box.checkpoint(options + ["--tcp-skip-in-flight", "--link-remap", "--shell-job"])
            let config = box.path("elsewhere.json")
            rename(box.bundle + "/config.json", config)
            let after = try box.restore(
                options + ["--config", config, "--no-pivot", "--keep", "-no-subreaper"])
            after.write("on\n")
            #expect(try after.readLine() == "on 2")
            try box.checkpoint()
            let lazy = try box.startRestore(["--detach", "--config", config, "--lazy-pages"])
                .finish(seconds: 60)
            #expect(lazy.code == 1, "no daemon hands out pages: \(lazy)")
            let labelled = try box.startRestore([
                "--detach", "--config", config, "--lsm-profile", "apparmor:none",
                "--lsm-mount-context", "none", "--shell-job", "--empty-ns", "network",
            ]).finish(seconds: 60)
            #expect(labelled.code == 0 || labelled.error.contains("criu failed"), "\(labelled)")
        }
    }

    @Test func `memory is saved beforehand, or it is said why not`() throws {
        try withCounter { box, run in
            let parent = box.path("parent")
            let first = try box.runCommand(
                ["checkpoint", "--image-path", parent, "--pre-dump", box.id()],
                environment: try Criu.environment())
            run.write("on\n")
            #expect(try run.readLine() == "on 2")
            guard first.code == 0 else {
                // Kernels without CONFIG_MEM_SOFT_DIRTY.
                #expect(first.error.contains("criu failed"), "\(first)")
                return
            }
            try box.checkpoint(["--parent-path", "../parent"])
            let after = try box.restore()
            after.write("again\n")
            #expect(try after.readLine() == "again 3")
        }
    }

    @Test func `in the foreground restore ends as the program does`() throws {
        try withCounter { box, _ in
            try box.checkpoint()
            let run = try box.startRestore([])
            run.write("last\n")
            #expect(try run.readLine(seconds: 30) == "last 2")
            run.closeInput()
            #expect(try run.finish().code == 7)
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `a terminal is sent to the console socket again`() throws {
        try Sandbox.use { box in
            box.mayStay = [box.id()]
            var config = box.config()
            config["process"]["terminal"] = true
            try prepare(box, config)
            var socket = try ReceivingSocket(box.path("first.sock"))
            try box.succeed("run", "--detach", "--console-socket", socket.path, box.id())
            let first = try socket.receive()
            let before = PseudoTerminal(adopting: first.descriptor, name: first.words)
            before.type("x\n")
            _ = try before.waitFor("x 1")
            try box.checkpoint()
            socket = try ReceivingSocket(box.path("second.sock"))
            try box.restore(["--console-socket", socket.path])
            let second = try socket.receive()
            let after = PseudoTerminal(adopting: second.descriptor, name: second.words)
            after.type("y\n")
            _ = try after.waitFor("y 2")
        }
    }

    @Test func `the network namespace of a path is joined again`() throws {
        let holder = try Running(
            try #require(Host.find("unshare")), ["--net", "/bin/sh", "-c", "echo up; cat"],
            input: .open)
        #expect(try holder.readLine() == "up")
        let place = "/proc/\(holder.pid)/ns/net"
        try withCounter({ box in
            var config = box.config()
            config.share("network")
            config["linux"]["namespaces"].append(["type": "network", "path": .string(place)])
            return config
        }) { box, _ in
            try box.checkpoint()
            let after = try box.restore()
            #expect(Host.link("/proc/\(try box.pid())/ns/net") == Host.link(place))
            withExtendedLifetime(after) {}
        }
        holder.closeInput()
        #expect(try holder.finish().code == 0)
    }

    @Test func `hooks of the namespaces and of the end run, those of a start do not`() throws {
        try withCounter({ box in
            var config = box.config()
            for kind in ["prestart", "createRuntime", "poststart", "poststop"] {
                let script = "cat > /dev/null; echo \(kind) >> \(box.path("hooks"))"
                config["hooks"][kind] = [
                    ["path": "/bin/sh", "args": ["sh", "-c", .string(script)]]
                ]
            }
            return config
        }) { box, _ in
            try box.write("hooks", "")
            try box.checkpoint()
            #expect(box.read("hooks") == "poststop\n")
            try box.write("hooks", "")
            let after = try box.restore()
            #expect(box.read("hooks") == "prestart\ncreateRuntime\n")
            withExtendedLifetime(after) {}
        }
    }

    @Test func `it is restored into the control group that the config names now`() throws {
        try withCounter({ box in
            var config = box.config()
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)-one")
            return config
        }) { box, _ in
            var kept: [Running] = []
            for mode in ["soft", "ignore"] {
                try box.checkpoint(["--manage-cgroups-mode", mode])
                #expect(ControlGroups.named(box.controlGroup).isEmpty)
                var config = box.config()
                config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)-\(mode)")
                try prepare(box, config)
                let after = try box.restore(["--manage-cgroups-mode", mode])
                let groups = Host.read("/proc/\(try box.pid())/cgroup")
                #expect(groups.contains("\(box.controlGroup)-\(mode)"), "\(groups)")
                #expect(!groups.contains("\(box.controlGroup)-one"), "\(groups)")
                after.write("on\n")
                #expect(try after.readLine().hasPrefix("on "))
                kept.append(after)
            }
            withExtendedLifetime(kept) {}
        }
    }
}
