import Glibc
import Testing

/// `vfs-run doctor`: what it says of this host, and of worse ones made for it in namespaces.
struct DoctorTests {
    /// What it has found, as JSON.
    private struct Report {
        let value: Value
        let outcome: Outcome

        init(_ outcome: Outcome) throws {
            self.outcome = outcome
            value = try Value(parsing: outcome.output)
        }

        func row(_ key: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
            try #require(
                value["probes"].array?.first { $0["key"].string == key }, "no row \(key)",
                sourceLocation: sourceLocation)
        }

        func verdict(_ key: String) throws -> String { try row(key)["verdict"].string ?? "" }
    }

    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    /// Runs it at the end of a script, as `"$@"`.
    private func examine(
        _ box: Sandbox, _ words: [String], directory: String? = nil
    ) throws -> Report {
        if !box.exists("vfs-run") { try box.copy(Host.runtime, to: "vfs-run") }
        let run = try Running(
            words[0],
            Array(words.dropFirst()) + [
                box.path("vfs-run"), "doctor", "--json", directory ?? box.path("here"),
            ], environment: Self.environment)
        let outcome = try run.finish(seconds: 60)
        expectNothingLeft(box, of: run.pid)
        return try Report(outcome)
    }

    private func expectNothingLeft(_ box: Sandbox, of pid: pid_t) {
        #expect(TreeSnapshot.names(in: box.path("here")).isEmpty)
        #expect(ControlGroups.named("vfs-run-doctor.\(pid)").isEmpty)
    }

    /// As an ordinary user, after a script that root runs in mounts of its own.
    private func examineAsNobody(_ box: Sandbox, after script: String) throws -> Report {
        chmod(try box.makeDirectory("here"), 0o777)
        let drop = "exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \"$@\""
        return try examine(
            box, ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", "\(script)\n\(drop)", "sh"])
    }

    @Test func `root can run containers here, and the facts are the kernel's`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("here")
            let report = try examine(box, ["/usr/bin/env"])
            #expect(report.outcome.code == 0, "\(report.outcome)")
            #expect(report.outcome.error == "")
            #expect(report.value["works"] == true)
            #expect(report.value["user"] == 0)
            #expect(report.value["privileged"] == true)
            let release = Host.read("/proc/sys/kernel/osrelease").split(separator: "\n").first
            #expect(report.value["kernel"].string.map { $0[...] } == release)
            for key in [
                "processes.clone3", "processes.pidfd", "processes.openat2", "mounts.open-tree",
                "mounts.attributes", "mounts.proc", "mounts.pivot-root", "overlay.module",
                "overlay.mount", "directory.overlay", "directory.whiteouts", "seccomp.filter",
            ] {
                #expect(try report.verdict(key) == "works", "\(key)")
            }
            let version = try report.row("cgroups.version")["facts"]["version"].string
            let kinds = Set(ControlGroups.mounts.map(\.controllers.isEmpty))
            let expected =
                kinds == [true]
                ? "2" : kinds == [true, false] ? "hybrid" : kinds == [] ? "none" : "1"
            #expect(version == expected)
            let actions = try report.row("seccomp.actions")["facts"]["actions"].array ?? []
            let known = Host.read("/proc/sys/kernel/seccomp/actions_avail")
            #expect(
                actions.compactMap(\.string)
                    == known.split { $0 == " " || $0 == "\n" }.map(String.init)
            )
            let limit = Host.read("/proc/sys/user/max_user_namespaces").split(separator: "\n").first
            let maximum = try report.row("user-namespaces.make")["facts"]["maximum"].integer
            #expect(maximum.map(String.init) == limit.map(String.init))
        }
    }

    @Test func `an ordinary user is told of what stands in the way, and of nothing that root has`()
        throws
    {
        try Sandbox.use { box in
            let report = try examineAsNobody(box, after: "")
            #expect(report.value["user"] == 65534)
            #expect(report.value["privileged"] == false)
            #expect(try report.row("user-namespaces.make")["needed"] == true)
            #expect(try report.verdict("directory.id-mapped") == "untried")
            // By trying, too.
            let unshare = try Running(
                "/usr/bin/setpriv",
                [
                    "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/unshare",
                    "--user",
                    "--map-root-user", "true",
                ], environment: Self.environment
            ).finish()
            #expect((try report.verdict("user-namespaces.make") == "works") == (unshare.code == 0))
            #expect((report.outcome.code == 0) == (report.value["works"] == true))
            guard unshare.code == 0 else { return }
            for key in ["mounts.namespace", "mounts.proc", "overlay.mount", "directory.overlay"] {
                #expect(try report.verdict(key) == "works", "\(key)")
            }
        }
    }

    @Test func `a host without user namespaces is told by its sysctl, with the command`() throws {
        try Sandbox.use { box in
            chmod(try box.makeDirectory("here"), 0o777)
            // Switched off by the owner of a user namespace, for what is below it.
            let script =
                "echo 0 > /proc/sys/user/max_user_namespaces\n"
                + "exec setpriv --bounding-set=-all --inh-caps=-all \"$@\""
            let report = try examine(
                box,
                ["/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c", script, "sh"])
            let row = try report.row("user-namespaces.make")
            #expect(row["verdict"] == "lacks")
            #expect(row["said"].string?.contains("user.max_user_namespaces is 0") == true)
            #expect(row["mend"].string?.hasPrefix("sysctl -w user.max_user_namespaces=") == true)
            #expect(row["facts"]["maximum"] == 0)
            #expect(report.outcome.code == 1)
            #expect(report.value["works"] == false)
            // What needs one is not called broken as well.
            #expect(try report.verdict("mounts.namespace") == "untried")
            #expect(try report.verdict("overlay.mount") == "untried")
        }
    }

    @Test func `a /proc that is partly covered, as in a container, is told`() throws {
        try Sandbox.use { box in
            let report = try examineAsNobody(box, after: "mount --bind /dev/null /proc/uptime")
            guard try report.verdict("user-namespaces.make") == "works" else {
                try skip("ordinary users get no user namespaces on this host")
            }
            let row = try report.row("mounts.proc")
            #expect(row["verdict"] == "lacks")
            #expect(row["needed"] == true)
            #expect(row["facts"]["covered"] == ["/proc/uptime"])
            #expect(row["mend"].string?.contains("systempaths=unconfined") == true)
            #expect(report.outcome.code == 1)
        }
    }

    @Test func `a directory on tmpfs holds an upper, one on an overlay does not`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("here")
            let here = box.path("here")
            func examined(_ mount: String) throws -> Report {
                try examine(
                    box,
                    ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", "\(mount)\nexec \"$@\"", "sh"])
            }
            let tmpfs = try examined("mount -t tmpfs none \(here)")
            #expect(try tmpfs.row("directory.file-system")["facts"]["type"] == "tmpfs")
            #expect(try tmpfs.verdict("directory.overlay") == "works")
            let overlay = try examined(
                "mount -t overlay -o lowerdir=\(box.canary):\(Host.base) none \(here)")
            let readOnly = try overlay.row("directory.file-system")
            #expect(readOnly["verdict"] == "lacks")
            let writable = try examined(
                "mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && mount -t overlay"
                    + " -o lowerdir=\(box.canary),upperdir=/mnt/u,workdir=/mnt/w none \(here)")
            #expect(try writable.row("directory.file-system")["facts"]["type"] == "overlay")
            let row = try writable.row("directory.overlay")
            #expect(row["verdict"] == "lacks")
            #expect(row["needed"] == false)
            #expect(writable.outcome.code == 0, "a kept upper is not the main job")
        }
    }

    @Test func `a directory that is not there, or not this user's, is said to be so`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("here")
            let missing = try examine(box, ["/usr/bin/env"], directory: box.path("nowhere"))
            #expect(try missing.verdict("directory.overlay") == "untried")
            #expect(
                try missing.row("directory.overlay")["said"].string?.contains("no such file")
                    == true)
            #expect(missing.outcome.code == 0)
        }
    }

    @Test func `the table has words in a pipe, and marks in colours on a terminal`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("here")
            let piped = try Running(
                Host.runtime, ["doctor", box.path("here")], environment: Self.environment
            ).finish(seconds: 60)
            #expect(!piped.output.contains("\u{1b}"))
            #expect(piped.output.contains("\n  ok   mount one; delete"))
            #expect(piped.output.hasSuffix("vfs-run config.json can run here, as root.\n"))
            for (variables, hasMarks) in [([], true), (["NO_COLOR=1"], false)] {
                let screen = try PseudoTerminal()
                let run = try Running(
                    Host.runtime, ["doctor", box.path("here")],
                    environment: Self.environment + variables, input: .terminal(screen.name))
                let shown = try screen.waitFor("as root.", seconds: 60)
                #expect(shown.contains("\u{1b}[32m✓") == hasMarks)
                #expect(shown.contains("\u{1b}") == hasMarks)
                _ = try run.finish()
            }
        }
    }

    @Test func `a signal ends it, and nothing is left`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("here")
            let run = try Running(
                Host.runtime, ["doctor", box.path("here")], environment: Self.environment)
            let deadline = Deadline(20)
            while TreeSnapshot.names(in: box.path("here")).isEmpty && !deadline.hasPassed {}
            run.send(SIGTERM)
            #expect(try run.finish().code == 128 + SIGTERM)
            expectNothingLeft(box, of: run.pid)
        }
    }

    @Test func `what is not an argument of it is refused`() throws {
        let outcome = try Running(Host.runtime, ["doctor", "a", "b"]).finish()
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("a maximum of 1"))
    }
}
