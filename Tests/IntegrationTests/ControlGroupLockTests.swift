import Glibc
import Testing

/// Who can keep a container from taking its cgroup (A18).
struct ControlGroupLockTests {
    /// The cgroup that the config below names, in the hierarchy that limits processes.
    private func directory(_ box: Sandbox) throws -> String {
        let mounts = ControlGroups.mounts
        let mount =
            mounts.first { $0.controllers.contains("pids") }
            ?? mounts.first { $0.controllers.isEmpty }
        return try #require(mount).path + "/" + box.controlGroup
    }

    private func config(_ box: Sandbox) -> Value {
        var config = box.config()
        config["linux"]["resources"] = ["pids": ["limit": 50]]
        config["linux"]["cgroupsPath"] = .string("/" + box.controlGroup)
        return config
    }

    /// A shell of a user of the host that has nothing to do with the container.
    private func stranger(_ script: String, _ arguments: [String]) throws -> Running {
        try Running(
            try #require(Host.find("setpriv")),
            ["--reuid=54322", "--regid=54322", "--clear-groups", "sh", "-c", script, "sh"]
                + arguments,
            environment: ["PATH=/usr/bin:/bin"], input: .open)
    }

    @Test func `locks of another user on a cgroup do not keep a container out`() throws {
        try Sandbox.use { box in
            let directory = try directory(box)
            try #require(mkdir(directory, 0o755) == 0)
            defer { rmdir(directory) }
            let holder = try stranger(
                "exec 3< $1 4< $1/cgroup.procs && flock -n 3 && flock -n 4 && echo locked; read x",
                [directory])
            #expect(try holder.readLine() == "locked")
            let run = try box.run(config(box), arguments: ["true"])
            #expect(run.code == 0, "\(run)")
            holder.closeInput()
            _ = try holder.finish()
        }
    }

    @Test func `another user cannot open the file that a container's cgroup is locked by`() throws {
        try Sandbox.use { box in
            let running = try box.start(
                config(box), arguments: ["/probe", "--wait"], input: .open)
            #expect(try running.readLine() == "ready")
            let directory = try directory(box)
            var status = stat()
            #expect(stat(directory, &status) == 0 && status.st_mode & 0o777 == 0o755)
            // As root: it is the lock, and not the mode alone.
            let taken = try Running(
                "/bin/sh",
                [
                    "-c", "for file in $1/*; do flock -n $file true || echo ${file##*/}; done",
                    "sh", directory,
                ]
            ).finish().output
            let file = taken.split(separator: "\n").map { String($0) }
            try #require(file.count == 1, "\(taken)")
            let opened = try stranger(
                "[ -r $1 ] || [ -w $1 ] || echo closed", [directory + "/" + file[0]]
            ).finish()
            #expect(opened.output == "closed\n", "\(file) \(opened)")
            let second = try box.run(config(box), arguments: ["true"])
            #expect(second.code == 125 && second.error.contains("is taken by another"), "\(second)")
            running.send(SIGTERM)
            _ = try running.finish()
        }
    }
}
