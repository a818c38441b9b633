import Glibc
import Testing

/// What engines and their users rely on because runc does it (R1 to R11, S7 to S11).
struct EngineHabitTests {
    private func device(_ path: String, minor: Int64, _ more: [String: Value] = [:]) -> Value {
        var device: Value = [
            "path": .string(path), "type": "c", "major": 1, "minor": .integer(minor),
        ]
        for (key, value) in more { device[key] = value }
        return device
    }

    // MARK: Terminals

    /// docker run -it -v /dev:/dev
    @Test func `a terminal comes from a devpts that is bound in`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal(rows: 20, columns: 70)
            var config = box.config()
            let kept = (config["mounts"].array ?? []).filter {
                $0["destination"].string?.hasPrefix("/dev") != true
            }
            config["mounts"] = .array(kept)
            config["mounts"].append(
                [
                    "destination": "/dev", "type": "bind", "source": "/dev",
                    "options": ["rbind", "rprivate"],
                ])
            config["process"]["terminal"] = true
            config.run(["/bin/sh", "-c", "test -t 0 && ls -l /dev/console && echo done"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let run = try Running(Host.runtime, [file], input: .terminal(screen.name))
            let shown = try screen.waitFor("done")
            #expect(shown.contains("136,"), "\(shown)")
            _ = try run.finish()
            // A bind of the directory alone has no devpts in it.
            config["mounts"] = .array(kept)
            config["mounts"].append(Config.bind("/dev", "/dev"))
            let refused = try box.start(config).finish()
            #expect(refused.code == 125 && refused.error.contains("devpts"), "\(refused)")
        }
    }

    // MARK: Devices

    @Test func `a device that stands twice is one, and two of a path are an error`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["devices"] = [device("/dev/x", minor: 5), device("/dev//x", minor: 5)]
            config.run(["/bin/ls", "-ln", "/dev/x"])
            #expect(try box.run(config).output.contains("1,   5"))
            config["linux"]["devices"] = [device("/dev/x", minor: 5), device("/dev/x", minor: 7)]
            let refused = try box.run(config)
            #expect(refused.code == 125 && refused.error.contains("not the same"), "\(refused)")
        }
    }

    @Test func `a default device has the mode and owner that the config names`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["devices"] = [
                device("/dev/null", minor: 3, ["fileMode": 0o600, "uid": 1000, "gid": 1001]),
                device("/dev/x", minor: 5, ["fileMode": 0o1660]),
            ]
            config.run(["/bin/ls", "-ln", "/dev/null", "/dev/x", "/dev/zero"])
            let lines = try box.run(config).output.split(separator: "\n").map(String.init)
            #expect(lines.first { $0.hasSuffix("/dev/null") }?.hasPrefix("crw-------") == true)
            #expect(lines.first { $0.hasSuffix("/dev/null") }?.contains("1000     1001") == true)
            #expect(lines.first { $0.hasSuffix("/dev/x") }?.hasPrefix("crw-rw---T") == true)
            #expect(lines.first { $0.hasSuffix("/dev/zero") }?.hasPrefix("crw-rw-rw-") == true)
        }
    }

    @Test func `a user namespace finds a device under another name by its number`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.mapIDs()
            config["linux"]["devices"] = [device("/dev/another", minor: 5)]
            config.run(["/bin/sh", "-c", "head -c 3 /dev/another | wc -c"])
            #expect(try box.run(config).output == "3\n")
            config["linux"]["devices"] = [device("/dev/another", minor: 200)]
            let refused = try box.run(config)
            #expect(refused.error.contains("the host has no device 1:200"), "\(refused)")
        }
    }

    // MARK: Mounts

    @Test(arguments: [
        ("", "rw"), ("size=64m,mode=700", "size=65536k"), (",ro", "ro"),
        ("noexec,size=1m,", "noexec"),
    ])
    func `an option may be empty, or several`(_ option: String, _ shown: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/made", "tmpfs", [option]))
            config.run(["/bin/sh", "-c", "grep ' /made ' /proc/mounts"])
            let outcome = try box.run(config)
            let options = outcome.output.split(separator: " ").dropFirst(3).first ?? ""
            #expect(options.split(separator: ",").contains(Substring(shown)), "\(outcome)")
        }
    }

    @Test func `a file on a directory, and the reverse, are asked for as Docker asks`() throws {
        try Sandbox.use { box in
            try box.write("file", "x")
            try box.makeDirectory("folder")
            var config = box.config()
            let mounts = config["mounts"]
            for (source, place) in [("file", "/etc"), ("folder", "/etc/passwd")] {
                config["mounts"] = mounts
                config["mounts"].append(Config.bind(box.path(source), place))
                let outcome = try box.run(config)
                #expect(outcome.code == 125)
                #expect(
                    outcome.error.contains(
                        "are you trying to mount a directory onto a file (or vice-versa)?"),
                    "\(outcome)")
            }
            config["mounts"] = mounts
            config["mounts"].append(Config.bind(box.path("file"), "/run/w/"))
            config.run(["/bin/cat", "/run/w"])
            #expect(try box.run(config).output == "x")
        }
    }

    /// - Parameter body: Gets a directory that is a mount with these options.
    private func withMount(
        _ options: String, _ box: Sandbox, _ config: Value
    ) throws -> Outcome {
        let place = try box.makeDirectory("mounted")
        let file = try box.write("bundle/config.json", config.prettyText)
        let script = """
            mount -t tmpfs -o nosuid,nodev,noexec tmpfs \(place) &&
            mount -o remount,bind,\(options) \(place) && exec \(Host.runtime) \(file)
            """
        return try Running(
            "/usr/bin/unshare", ["--mount", "/bin/sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        ).finish()
    }

    @Test(arguments: [
        ([], "rw,nosuid,nodev,noexec"), (["rprivate"], "rw,nosuid,nodev,noexec"), (["ro"], "ro"),
        (["rw"], "rw"), (["nosuid"], "rw,nosuid"), (["rro"], "ro,nosuid,nodev,noexec"),
    ])
    func `an option that names an attribute clears the others`(
        _ options: [String], _ shown: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.bind(box.path("mounted"), "/made", options))
            config.run(["/bin/sh", "-c", "grep ' /made ' /proc/mounts"])
            let outcome = try withMount("rw,nosuid,nodev,noexec", box, config)
            let found = outcome.output.split(separator: " ").dropFirst(3).first ?? ""
            #expect(found.hasPrefix(shown + ",relatime"), "\(outcome)")
        }
    }

    @Test(
        arguments: [
            ([], "ro,nosuid,nodev,noexec"), (["ro"], "ro,nosuid,nodev,noexec"),
            (["nosuid"], "ro,nosuid,nodev,noexec"), (["rw"], nil), (["exec"], nil),
        ] as [([String], String?)])
    func `in a user namespace the attributes are locked`(
        _ options: [String], _ shown: String?
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.mapIDs()
            config["mounts"].append(Config.bind(box.path("mounted"), "/made", options))
            config.run(["/bin/sh", "-c", "grep ' /made ' /proc/mounts"])
            let outcome = try withMount("ro,nosuid,nodev,noexec", box, config)
            let found = outcome.output.split(separator: " ").dropFirst(3).first ?? ""
            if let shown {
                #expect(found.hasPrefix(shown + ",relatime"), "\(outcome)")
            } else {
                #expect(outcome.code == 125 && outcome.error.contains("locked"), "\(outcome)")
            }
        }
    }

    @Test func `message queues belong to root of the user namespace`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.mapIDs()
            config["mounts"].append(Config.mount("/dev/mqueue", "mqueue", ["nosuid"]))
            config.run(["/bin/ls", "-ldn", "/dev/mqueue"])
            let words = try box.run(config).output.split(separator: " ").map(String.init)
            #expect(words.dropFirst(2).prefix(2) == ["0", "0"], "\(words)")
        }
    }

    // MARK: exec

    @Test(arguments: [1, 2] as [Int64])
    func `exec passes the limit of processes, which stays what it was`(_ limit: Int64) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["pids": ["limit": .integer(limit)]]
            try box.createAndStart(config)
            for _ in 0..<3 { try box.succeed("exec", box.id(), "/bin/true") }
            let forking = try box.command("exec", box.id(), "/bin/sh", "-c", "/bin/true; echo $?")
            #expect(forking.error.contains("fork"), "\(forking)")
            let failed = try box.command("exec", box.id(), "/none")
            #expect(failed.code == 255)
            let pid = try box.pid()
            #expect(limitOfProcesses(pid) == "\(limit)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// The container takes what exec is given, again and again.
    @Test func `a container that forks does not raise its limit by exec`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["pids": ["limit": 12]]
            config.run([
                "/bin/sh", "-c", "while :; do sleep 1000 & done 2> /dev/null & echo ready; wait",
            ])
            try box.prepare(config)
            let run = try box.launch(["create", box.id()], input: .open)
            #expect(try run.finish().code == 0)
            try box.succeed("start", box.id())
            for _ in 0..<15 { _ = try box.command("exec", box.id(), "/bin/true") }
            let pid = try box.pid()
            #expect(limitOfProcesses(pid) == "12")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `the limit is set again after an exec that was killed`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["pids": ["limit": 1]]
            try box.createAndStart(config)
            // As one leaves it that is killed in between.
            let room = "\(box.stateRoot)/\(box.id())/room"
            let text = "1" + String(repeating: " ", count: 23)
            try box.write(room, text, mode: 0o600)
            let pid = try box.pid()
            try writeLimit("3", pid)
            try box.succeed("exec", box.id(), "/bin/true")
            #expect(limitOfProcesses(pid) == "1")
            try box.write(room, text, mode: 0o600)
            try writeLimit("3", pid)
            try box.succeed("update", "--cpu-shares", "100", box.id())
            #expect(limitOfProcesses(pid) == "1")
            try box.succeed("delete", "--force", box.id())
        }
    }

    private func limitFile(_ pid: pid_t) -> String {
        (ControlGroups.path(of: pid, "pids") ?? ControlGroups.path(of: pid, "") ?? "")
            + "/pids.max"
    }

    private func limitOfProcesses(_ pid: pid_t) -> String {
        Host.read(limitFile(pid)).split(separator: "\n").first.map(String.init) ?? ""
    }

    private func writeLimit(_ text: String, _ pid: pid_t) throws {
        let file = open(limitFile(pid), O_WRONLY)
        defer { close(file) }
        #expect(write(file, text, text.utf8.count) == text.utf8.count)
    }

    @Test func `a program without a name is not found`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let outcome = try box.command("exec", box.id(), "")
            #expect(outcome.code == 255)
            #expect(
                outcome.error.contains("\"\": executable file not found in $PATH"), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    // MARK: The document

    @Test func `keys are read in any case, and lint says so`() throws {
        try Sandbox.use { box in
            var config = box.config()
            if case .object(var members) = config["process"] {
                members["cwd"] = nil
                members["Cwd"] = "/tmp"
                config["process"] = .object(members)
            }
            config["linux"]["MaskedPaths"] = ["/etc/passwd"]
            config.run(["/bin/sh", "-c", "pwd; cat /etc/passwd"])
            let outcome = try box.run(config)
            #expect(outcome.output == "/tmp\n", "\(outcome)")
            let lint = try Running(
                Host.runtime, ["lint", box.path("bundle/config.json")]
            ).finish()
            #expect(
                lint.output.contains("linux.MaskedPaths: is read as \"maskedPaths\""), "\(lint)")
        }
    }

    @Test func `the host name is no sysctl`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["hostname"] = ""
            config["linux"]["sysctl"] = ["kernel.hostname": "x"]
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("is not allowed as it conflicts with the OCI \"hostname\""),
                "\(outcome)")
        }
    }

    @Test func `deadlines that the kernel does not take are explained`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["scheduler"] = [
                "policy": "SCHED_DEADLINE", "runtime": 200_000, "deadline": 100_000,
                "period": 1_000_000,
            ]
            let outcome = try box.run(config)
            #expect(outcome.error.contains("must be <= deadline"), "\(outcome)")
        }
    }

    /// The runtime executes itself anew where a container could write its binary.
    @Test func `a config from a pipe is read once`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            lchown(box.path("vfs-run"), OrdinaryUser.id, OrdinaryUser.id)
            var config = box.ordinaryConfig()
            config["root"]["path"] = "rootfs"
            config.run(["/bin/echo", "hello"])
            let file = try box.write("pipe.json", config.text)
            for words in ["/dev/stdin", "run -f /dev/stdin -b \(box.directory) \(box.id())"] {
                let script = "cat \(file) | \(box.path("vfs-run")) \(words)"
                let outcome = try box.startOrdinary(["-c", script], program: "/bin/sh").finish()
                #expect(outcome.code == 0 && outcome.output == "hello\n", "\(outcome)")
            }
        }
    }

    @Test func `without a mount namespace the root is the caller's, and nothing is mounted`() throws
    {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"] = .null
            config["mounts"] = []
            config["root"] = ["path": "/"]
            config.share("mount")
            try box.prepare(config, arguments: ["/bin/sh", "-c", "readlink /proc/self/ns/mnt"])
            let outcome = try box.command("run", box.id())
            #expect(outcome.output == Host.namespace("mnt") + "\n", "\(outcome)")
            config["linux"]["maskedPaths"] = ["/proc/kcore"]
            config["root"]["readonly"] = true
            try box.prepare(config, arguments: ["/bin/true"])
            let refused = try box.command("run", box.id())
            #expect(refused.code == 1)
            #expect(refused.error.contains("no path can be masked"), "\(refused)")
            #expect(refused.error.contains("cannot be made read-only"), "\(refused)")
            // A throw-away overlay, which the one-shot form would make, is no option.
            #expect(try box.run(config).error.contains("has no entry {\"type\": \"mount\"}"))
        }
    }

    /// podman run --group-add keep-groups
    @Test func `an ordinary user's groups stay where an annotation asks for it`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try box.write("rootfs/secret", "read", mode: 0o640)
            lchown(box.path("rootfs/secret"), 0, 7777)
            var config = box.ordinaryConfig()
            let user = OrdinaryUser(hasSubordinates: true, group: 7777)
            let script = "cat /secret"
            let refused = try box.runOrdinary(config, user, shell: script)
            #expect(refused.error.contains("Permission denied"), "\(refused)")
            config["annotations"]["run.oci.keep_original_groups"] = "1"
            let outcome = try box.runOrdinary(config, user, shell: script)
            #expect(outcome.output == "read", "\(outcome)")
        }
    }
}
