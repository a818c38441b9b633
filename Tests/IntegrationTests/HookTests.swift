import Glibc
import Testing

/// The six kinds of hooks: when, where and with what they run, and what one that fails brings about.
struct HookTests {
    static let kinds = [
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
    ]

    /// Notes that it ran and what it found in the directory that is its second argument; fails
    /// where there is a file `fail-KIND`.
    static let script = """
        #!/bin/sh
        echo "$1" >> "$2/order"
        cat > "$2/$1.state"
        readlink /proc/self/ns/mnt > "$2/$1.mnt"
        readlink /proc/self/ns/net > "$2/$1.net"
        pwd > "$2/$1.cwd"
        echo "$GIVEN" > "$2/$1.env"
        test -e "$2/mounted/there" && echo yes > "$2/$1.mounted"
        if test -e "$2/fail-$1"; then echo sorry >&2; exit 3; fi
        exit 0
        """

    /// `Sandbox.config` with the hooks `kinds`; those inside the container see the directory `out`
    /// as /out.
    private func config(_ box: Sandbox, _ kinds: [String] = HookTests.kinds) throws -> Value {
        let out = try box.makeDirectory("out", mode: 0o777)
        let script = try box.write("hook", HookTests.script, mode: 0o755)
        try box.write("layer/hook", HookTests.script, mode: 0o755)
        var config = box.config()
        config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
        config["mounts"].append(Config.bind(out, "/out"))
        config["annotations"] = ["key": "value"]
        for kind in kinds {
            let isInside = kind == "startContainer"
            let words = [isInside ? "/hook" : script, kind, isInside ? "/out" : out]
            config["hooks"][kind] = [
                [
                    "path": .string(words[0]), "args": Value(words),
                    "env": ["PATH=/usr/bin:/bin", "GIVEN=\(kind)"],
                ]
            ]
        }
        return config
    }

    private func order(_ box: Sandbox) -> [String] {
        box.read("out/order").split(separator: "\n").map(String.init)
    }

    @Test func `the one-shot form runs those of every kind, poststop last of all`() throws {
        try Sandbox.use { box in
            box.mayChange = ["out"]
            let outcome = try box.run(config(box), arguments: ["/bin/true"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(
                order(box).filter { $0 != "poststart" }
                    == HookTests.kinds.filter { $0 != "poststart" })
            #expect(order(box).contains("poststart"))
            let state = try Value(parsing: box.read("out/poststop.state"))
            #expect(state["status"] == "stopped" && state["annotations"]["key"] == "value")
        }
    }

    @Test func `a start that fails in the one-shot form runs poststop once there was a process`()
        throws
    {
        try Sandbox.use { box in
            box.mayChange = ["out"]
            let config = try config(box)
            try box.write("out/fail-createRuntime", "")
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125 && outcome.error.contains("createRuntime hook #0"))
            #expect(order(box) == ["prestart", "createRuntime", "poststop"])
        }
    }

    @Test func `they run in their order, each at its command`() throws {
        try Sandbox.use { box in
            let run = try box.create(nil, config(box))
            #expect(order(box) == ["prestart", "createRuntime", "createContainer"])
            try box.succeed("start", box.id())
            #expect(try run.readLine() == "ready")
            #expect(order(box).suffix(2) == ["startContainer", "poststart"])
            try box.succeed("delete", "--force", box.id())
            #expect(order(box) == HookTests.kinds)
        }
    }

    @Test func `run takes them all`() throws {
        try Sandbox.use { box in
            try box.prepare(config(box), arguments: ["echo", "program"])
            let outcome = try box.succeed("run", box.id())
            #expect(outcome.output == "program\n")
            #expect(order(box) == HookTests.kinds)
        }
    }

    @Test func `each gets the state, with the status and the pid of its moment`() throws {
        try Sandbox.use { box in
            try box.create(nil, config(box))
            let pid = try box.pid()
            try box.succeed("start", box.id())
            try box.succeed("delete", "--force", box.id())
            let expected: [(String, Value, Value)] = [
                ("prestart", "creating", .integer(Int64(pid))),
                ("createRuntime", "creating", .integer(Int64(pid))),
                ("createContainer", "creating", 1), ("startContainer", "created", 1),
                ("poststart", "running", .integer(Int64(pid))), ("poststop", "stopped", .null),
            ]
            for (kind, status, number) in expected {
                let state = try Value(parsing: box.read("out/\(kind).state"))
                #expect(state["status"] == status, "\(kind)")
                #expect(state["pid"] == number, "\(kind)")
                #expect(state["ociVersion"] == "1.3.0")
                #expect(state["id"] == .string(box.id()))
                #expect(state["bundle"] == .string(box.bundle))
                #expect(state["annotations"] == ["key": "value"])
                #expect(box.read("out/\(kind).env") == "\(kind)\n")
            }
        }
    }

    /// As runc has it: programs that hooks run count from there.
    @Test func `those of a creation run in the bundle`() throws {
        try Sandbox.use { box in
            try box.prepare(config(box), arguments: ["/probe", "--wait"])
            let run = try Running(
                Host.runtime, ["--root", box.stateRoot, "create", "-b", box.bundle, box.id()],
                input: .open, directory: "/")
            #expect(try run.finish().code == 0)
            for kind in ["prestart", "createRuntime"] {
                #expect(box.read("out/\(kind).cwd") == box.bundle + "\n")
            }
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `each runs in its namespaces`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            let pid = try box.pid()
            let inside = Host.link("/proc/\(pid)/ns/mnt") ?? ""
            let network = Host.link("/proc/\(pid)/ns/net") ?? ""
            try box.succeed("delete", "--force", box.id())
            for kind in HookTests.kinds {
                let isInside = kind == "createContainer" || kind == "startContainer"
                #expect(
                    box.read("out/\(kind).mnt") == (isInside ? inside : Host.namespace("mnt"))
                        + "\n",
                    "\(kind)")
                #expect(
                    box.read("out/\(kind).net") == (isInside ? network : Host.namespace("net"))
                        + "\n",
                    "\(kind)")
            }
        }
    }

    @Test(arguments: ["prestart", "createRuntime", "createContainer"])
    func `one that fails ends the creation, and nothing is left but what poststop did`(
        _ kind: String
    ) throws {
        try Sandbox.use { box in
            let config = try config(box)
            try box.write("out/fail-\(kind)", "")
            try box.prepare(config, arguments: ["/probe", "--wait"])
            let outcome = try box.command("create", "--pid-file", "pid", box.id())
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains("error running \(kind) hook #0: exit status 3"), "\(outcome)"
            )
            #expect(outcome.error.contains("sorry"))
            #expect(box.containers.isEmpty)
            #expect(!box.exists("bundle/pid"))
            let before = HookTests.kinds.prefix { $0 != kind }
            #expect(order(box) == Array(before) + [kind, "poststop"])
        }
    }

    @Test func `a startContainer hook that fails keeps the program from running`() throws {
        try Sandbox.use { box in
            let config = try config(box)
            try box.write("out/fail-startContainer", "")
            let run = try box.create(nil, config, arguments: ["echo", "ran"])
            let outcome = try box.command("start", box.id())
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains("error running startContainer hook #0:"), "\(outcome)")
            #expect(try run.readToEnd() == "")
            #expect(!order(box).contains("poststart"))
            // Stopped and destroyed, as the specification has it.
            #expect(box.containers.isEmpty)
            #expect(order(box).last == "poststop")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `a poststart hook that fails ends the program, and start says so`() throws {
        try Sandbox.use { box in
            let config = try config(box)
            try box.write("out/fail-poststart", "")
            try box.create(nil, config)
            let pid = try box.pid()
            let outcome = try box.command("start", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("error running poststart hook #0:"), "\(outcome)")
            #expect(HostProcess.waitForEnd(of: pid))
            #expect(box.containers.isEmpty)
            #expect(order(box).last == "poststop")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: HookTests.kinds.dropLast())
    func `run fails with any of them, and leaves nothing`(_ kind: String) throws {
        try Sandbox.use { box in
            let config = try config(box)
            try box.write("out/fail-\(kind)", "")
            try box.prepare(config, arguments: ["/probe", "--wait"])
            for options in [[], ["--detach"]] as [[String]] {
                let outcome = try box.launch(["run"] + options + [box.id()]).finish()
                #expect(outcome.code == 1, "\(outcome)")
                #expect(outcome.error.contains("error running \(kind) hook #0:"), "\(outcome)")
                #expect(box.containers.isEmpty)
                #expect(order(box).last == "poststop")
            }
        }
    }

    /// The specification has it logged, and everything removed all the same.
    @Test func `a poststop hook that fails is a warning, and the next one runs`() throws {
        try Sandbox.use { box in
            var config = try config(box, ["poststop"])
            let hook = config["hooks"]["poststop"][0]
            var other = hook
            other["args"][1] = "second"
            config["hooks"]["poststop"] = [hook, other]
            try box.write("out/fail-poststop", "")
            try box.create(nil, config)
            let outcome = try box.command("delete", box.id())
            #expect(outcome.code == 0)
            #expect(outcome.error.contains("error running poststop hook #0:"), "\(outcome)")
            #expect(order(box) == ["poststop", "second"])
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `the number is counted from 0, and those behind do not run`() throws {
        try Sandbox.use { box in
            var config = try config(box, ["createRuntime"])
            let hook = config["hooks"]["createRuntime"][0]
            var hooks = [hook, hook, hook]
            for (index, name) in ["one", "two", "three"].enumerated() {
                hooks[index]["args"][1] = .string(name)
            }
            config["hooks"]["createRuntime"] = .array(hooks)
            try box.write("out/fail-two", "")
            try box.prepare(config)
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("error running createRuntime hook #1:"), "\(outcome)")
            #expect(order(box) == ["one", "two"])
        }
    }

    @Test func `a hook that takes too long is killed, with what it started`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let script = try box.write(
                "slow", "#!/bin/sh\nsleep 1000 & echo $! > \(box.path("pid")); wait\n", mode: 0o755)
            config["hooks"]["createRuntime"] = [
                ["path": .string(script), "env": ["PATH=/usr/bin:/bin"], "timeout": 1]
            ]
            try box.prepare(config)
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains("error running createRuntime hook #0: it took longer"),
                "\(outcome)")
            let line = box.read("pid").split(separator: "\n").first
            let sleeper = try #require(line.flatMap { pid_t($0) })
            #expect(HostProcess.waitForEnd(of: sleeper))
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `a hook that is not there is an error with its path`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["hooks"]["prestart"] = [["path": "/no/such/hook"]]
            try box.prepare(config)
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("error running prestart hook #0:"), "\(outcome)")
            #expect(outcome.error.contains("/no/such/hook"))
            #expect(box.containers.isEmpty)
        }
    }

    /// Engines make the network so.
    @Test func `a hook of the host's can enter the container's namespaces by the pid`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let script = try box.write(
                "enter",
                """
                #!/bin/sh
                pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/')
                exec nsenter -t "$pid" -u hostname hooked
                """, mode: 0o755)
            config["hooks"]["createRuntime"] = [
                ["path": .string(script), "env": ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]]
            ]
            config["hostname"] = nil
            try box.prepare(config, arguments: ["hostname"])
            #expect(try box.succeed("run", box.id()).output == "hooked\n")
        }
    }
}
