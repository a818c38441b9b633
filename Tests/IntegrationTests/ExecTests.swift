import Glibc
import Testing

/// `exec` and each of its options.
struct ExecTests {
    /// What the probe finds when it is executed in a running container.
    private func probe(
        _ box: Sandbox, _ options: [String] = [], _ attempts: [String] = [], leaked: CInt = 0
    ) throws -> Facts {
        try Facts(
            try box.launch(["exec"] + options + [box.id(), "/probe"] + attempts, leaked: leaked)
                .finish())
    }

    @Test func `the program runs where the container's does, and its code is exec's`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let facts = try probe(box)
            #expect(facts["hostname"] == "box")
            #expect(facts["cwd"] == "/")
            let pid = try box.pid()
            for kind in ["cgroup", "ipc", "mnt", "net", "pid", "uts"] {
                #expect(
                    facts["namespaces"][kind].string == Host.link("/proc/\(pid)/ns/\(kind)"),
                    "\(kind)")
            }
            #expect(try box.command("exec", box.id(), "sh", "-c", "exit 7").code == 7)
            let killed = try box.command("exec", box.id(), "/probe", "--kill-self", "9")
            #expect(killed.code == 128 + SIGKILL)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `streams are the caller's, and words behind the id are the program's`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let run = try box.launch(
                ["exec", box.id(), "sh", "-c", "cat; echo \"$@\" >&2", "-d", "--tty", "-x"],
                input: .bytes(Array("in\n".utf8)))
            let outcome = try run.finish()
            #expect(outcome.code == 0)
            #expect(outcome.output == "in\n")
            #expect(outcome.error == "--tty -x\n")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `exec confines as the config says, and inherits nothing`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 99, "hard": 99]]
            config["process"]["user"] = ["uid": 0, "gid": 0, "additionalGids": [7]]
            try box.createAndStart(config)
            let facts = try probe(box, leaked: 5)
            #expect(facts["noNewPrivileges"] == 1)
            #expect(facts["groups"] == [7])
            #expect(facts["rlimits"]["RLIMIT_NOFILE"] == [99, 99])
            #expect(facts["parentDeathSignal"] == 0)
            #expect(facts["dumpable"] == 1, "the program gets it back")
            let wanted: Set = [Capability.auditWrite, Capability.kill, Capability.bindService]
            for set in ["bounding", "effective", "permitted"] {
                #expect(facts.capabilities(set) == wanted, "\(set)")
            }
            #expect(facts.capabilities("inheritable").isEmpty)
            #expect(facts.capabilities("ambient").isEmpty)
            #expect(Set(facts["descriptors"].object?.keys ?? [:].keys) == ["0", "1", "2"])
            #expect(facts["SigBlk"] == 0)
            #expect(facts["SigIgn"] == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `the seccomp profile holds for exec`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77]],
            ]
            try box.createAndStart(config)
            let facts = try probe(box, [], ["call:getppid"])
            #expect(facts["seccomp"] == 2)
            #expect(facts.result("call:getppid") == "EBADFD")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `env adds variables, and the last of a name counts`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let facts = try probe(
                box, ["-e", "A=1", "--env", "B=2,3", "--env=A=last", "-e", "EMPTY="])
            let environment = (facts["env"].array ?? []).compactMap(\.string)
            #expect(environment.filter { $0.hasPrefix("A=") } == ["A=last"])
            #expect(environment.contains("B=2,3"))
            #expect(environment.contains("EMPTY="))
            #expect(environment.contains("PATH=/usr/sbin:/usr/bin:/sbin:/bin"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `cwd, user and groups`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let facts = try probe(
                box, ["--cwd", "/etc", "--user", "1000:1001", "-g", "7", "--additional-gids", "8"])
            #expect(facts["cwd"] == "/etc")
            #expect(facts["uids"] == [1000, 1000, 1000])
            #expect(facts["gids"] == [1001, 1001, 1001])
            #expect(facts["groups"] == [7, 8])
            #expect(facts.capabilities("effective").isEmpty)
            let user = try probe(box, ["-u", "1000"])
            #expect(user["gids"] == [0, 0, 0], "the group stays the config's")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `cap adds to the sets, and not to the inheritable ones`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let facts = try probe(box, ["--cap", "CAP_NET_RAW", "-c", "CAP_CHOWN"])
            for set in ["bounding", "effective", "permitted"] {
                #expect(
                    facts.capabilities(set).isSuperset(of: [
                        Capability.rawSockets, Capability.chown,
                    ]), "\(set)")
            }
            #expect(facts.capabilities("inheritable").isEmpty)
            #expect(facts.capabilities("ambient").isEmpty)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `no-new-privs is what the option says`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["noNewPrivileges"] = false
            try box.createAndStart(config)
            #expect(try probe(box)["noNewPrivileges"] == 0)
            #expect(try probe(box, ["--no-new-privs"])["noNewPrivileges"] == 1)
            try box.succeed("delete", "--force", box.id())
            // What the config says, unless the option says otherwise.
            config["process"]["noNewPrivileges"] = true
            try box.createAndStart(config)
            #expect(try probe(box)["noNewPrivileges"] == 1)
            #expect(try probe(box, ["--no-new-privs=false"])["noNewPrivileges"] == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--process", "-p"])
    func `a process file takes the place of everything`(_ option: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let process: Value = [
                "args": ["/probe"], "cwd": "/tmp", "env": ["X=y", "PATH=/bin"],
                "user": ["uid": 5, "gid": 6], "noNewPrivileges": true,
                "capabilities": ["bounding": ["CAP_KILL"]],
            ]
            try box.write("process.json", process.prettyText)
            let outcome = try box.command("exec", option, box.path("process.json"), box.id())
            let facts = try Facts(outcome)
            #expect(facts["uids"] == [5, 5, 5])
            #expect(facts["gids"] == [6, 6, 6])
            #expect(facts["cwd"] == "/tmp")
            #expect(facts["env"].array?.contains("X=y") == true)
            #expect(facts.capabilities("bounding") == [Capability.kill])
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `detached, its pid is in the file and it goes on alone`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let run = try box.launch(
                ["exec", "--detach", "--pid-file", "pid", box.id(), "/probe", "--wait"],
                input: .open)
            #expect(try run.finish().code == 0)
            #expect(try run.readLine() == "ready")
            let pid = try #require(pid_t(box.read("bundle/pid")))
            #expect(HostProcess.field("PPid", of: pid) != Int(run.pid))
            #expect(try Host.link("/proc/\(pid)/ns/mnt") == Host.link("/proc/\(box.pid())/ns/mnt"))
            try box.succeed("delete", "--force", box.id())
            #expect(HostProcess.waitForEnd(of: pid), "the pid namespace takes it along")
        }
    }

    @Test func `what was started goes on when the caller dies`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let run = try box.launch(
                ["exec", "--pid-file", "pid", box.id(), "/probe", "--wait"], input: .open)
            #expect(try run.readLine() == "ready")
            let pid = try #require(pid_t(box.read("bundle/pid")))
            run.send(SIGKILL)
            #expect(try run.finish().code == 128 + SIGKILL)
            #expect(try box.succeed("exec", box.id(), "true").code == 0)
            #expect(HostProcess.all.contains(pid))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `signals to exec reach its program`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let run = try box.launch(["exec", box.id(), "/probe", "--handle"], input: .open)
            #expect(try run.readLine() == "ready")
            run.send(SIGTERM)
            #expect(try run.finish().code == 40 + SIGTERM)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--tty", "-t"])
    func `tty gives it a terminal of the container's`(_ option: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let screen = try PseudoTerminal(rows: 21, columns: 77)
            let run = try Running(
                Host.runtime,
                [
                    "--root", box.stateRoot, "exec", option, box.id(), "sh", "-c",
                    "stty size; tty; read x; echo got $x",
                ], input: .terminal(screen.name))
            try screen.waitFor("21 77")
            try screen.waitFor("/dev/pts/0")
            screen.type("typed\n")
            try screen.waitFor("got typed")
            #expect(try run.finish().code == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// containerd gives no --tty: the file says it.
    @Test(arguments: [false, true])
    func `detached, the terminal goes to the console socket`(_ isInFile: Bool) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let socket = try ReceivingSocket(box.path("s"))
            let words = ["sh", "-c", "echo shown; read x; echo got $x"]
            let process: Value = [
                "terminal": true, "args": Value(words), "cwd": "/", "user": ["uid": 0, "gid": 0],
                "env": ["PATH=/bin"],
            ]
            try box.write("process.json", process.prettyText)
            let tail =
                isInFile
                ? ["--process", box.path("process.json"), box.id()] : ["--tty", box.id()] + words
            let run = try box.launch(
                ["exec", "--detach", "--console-socket", socket.path] + tail)
            let (name, descriptor) = try socket.receive()
            #expect(name == "/dev/pts/0")
            let screen = PseudoTerminal(adopting: descriptor, name: name)
            #expect(try run.finish().code == 0)
            try screen.waitFor("shown\n")
            screen.type("typed\n")
            try screen.waitFor("got typed\n")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `the pidfd socket gets the process and the word setns`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let socket = try ReceivingSocket(box.path("s"))
            let run = try box.launch(
                ["exec", "--pidfd-socket", socket.path, box.id(), "true"])
            let (words, pidfd) = try socket.receive()
            close(pidfd)
            #expect(words == "setns")
            #expect(try run.finish().code == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `preserved descriptors reach the program, and no other`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let facts = try probe(box, ["--preserve-fds", "2"], leaked: 5)
            #expect(
                Set(facts["descriptors"].object?.keys ?? [:].keys) == ["0", "1", "2", "3", "4"])
            let run = try box.launch(
                ["exec", "--preserve-fds", "1", box.id(), "true"])
            let outcome = try run.finish()
            #expect(outcome.code == 255)
            #expect(outcome.error.contains("unable to stat preserved-fd 3"), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `options for what is not there are taken or refused, never passed over`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            #expect(try box.command("exec", "--ignore-paused", box.id(), "true").code == 0)
            let label = try box.command("exec", "--process-label", "a:b:c:d", box.id(), "true")
            let profile = try box.command("exec", "--apparmor", "no-such", box.id(), "true")
            for outcome in [label, profile] { #expect(outcome.code == 255, "\(outcome)") }
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `exec in a paused container waits where that is asked for`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            try box.succeed("pause", box.id())
            let run = try box.launch(["exec", "--ignore-paused", box.id(), "echo", "out"])
            for _ in 0..<20 { #expect(try box.status() == "paused") }
            #expect(throws: Failure.self) { try run.readLine(seconds: 0.1) }
            try box.succeed("resume", box.id())
            #expect(try run.readLine() == "out")
            #expect(try run.finish().code == 0)
            try box.succeed("delete", "--force", box.id())
        }
    }

    static let refusals: [([String], String)] = [
        (["ID"], "exec args cannot be empty"), (["-e", "X", "ID", "true"], "\"X\""),
        (["-e", "=x", "ID", "true"], "\"=x\""), (["--user", "root", "ID", "true"], "\"root\""),
        (["--user", "1:", "ID", "true"], "\"1:\""), (["-g", "x", "ID", "true"], "bad gid"),
        (["--cwd", "etc", "ID", "true"], "\"etc\""),
        (["--cwd", "/no/such", "ID", "true"], "no such file or directory"),
        (["--process", "/no/such.json", "ID"], "/no/such.json"),
        (["--tty", "--detach", "ID", "true"], "cannot allocate tty if"),
        (["--console-socket", "s", "ID", "true"], "cannot use console socket"),
        (["--pid-file", "/no/such/pid", "ID", "true"], "/no/such/pid"),
        (["--cgroup", "../x", "ID", "true"], "bad sub cgroup path: ../x"),
        (["--cgroup", "no-such", "ID", "true"], "no such file or directory"),
        (["--cgroup", "nothing:x", "ID", "true"], "unknown controller nothing"),
        (["--colour", "ID", "true"], "--colour"), ([], "requires a minimum of 1 argument"),
    ]

    @Test(arguments: refusals)
    func `what exec cannot do is 255`(_ arguments: [String], _ words: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let line = arguments.map { $0 == "ID" ? box.id() : $0 }
            let outcome = try box.launch(["exec"] + line).finish()
            #expect(outcome.code == 255, "\(outcome)")
            #expect(outcome.output == "")
            #expect(outcome.error.contains(words), "\(outcome)")
            #expect(try box.status() == "running", "the container does not care")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["pid", "network", "ipc", "uts", "cgroup"])
    func `exec joins a container that shares a namespace with the host`(_ kind: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share(kind)
            if kind == "uts" { config["hostname"] = nil }
            // Without a network namespace of its own sysfs cannot be mounted anew everywhere.
            config["mounts"] = [Config.proc, Config.dev, Config.devpts]
            try box.createAndStart(config)
            let facts = try probe(box)
            let name = kind == "network" ? "net" : kind
            #expect(facts["namespaces"][name].string == Host.namespace(name))
            #expect(facts["namespaces"]["mnt"].string != Host.namespace("mnt"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `exec works in a container that waits for its start`() throws {
        try Sandbox.use { box in
            try box.create()
            #expect(try box.succeed("exec", box.id(), "echo", "early").output == "early\n")
            #expect(try box.status() == "created")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `in a cgroup below the container's for one controller it keeps the others' limits`()
        throws
    {
        if !ControlGroups.has(version1: "pids") || !ControlGroups.has(version1: "memory") {
            try skip("pids and memory are not controllers of version 1 here; make test-vm")
        }
        try Sandbox.use { box in
            try box.createAndStart()
            let pid = try box.pid()
            let own = try #require(ControlGroups.path(of: pid, "pids"))
            let memory = try #require(ControlGroups.path(of: pid, "memory"))
            try #require(mkdir(own + "/sub", 0o755) == 0)
            let run = try box.launch(
                [
                    "exec", "--cgroup", "pids:sub", "--pid-file", "pid", box.id(), "/probe",
                    "--wait",
                ], input: .open)
            #expect(try run.readLine() == "ready")
            let inner = try #require(pid_t(box.read("bundle/pid")))
            #expect(ControlGroups.path(of: inner, "pids") == own + "/sub")
            #expect(ControlGroups.path(of: inner, "memory") == memory)
            try box.succeed("delete", "--force", box.id())
            _ = try run.finish()
        }
    }

    @Test func `many at once do not get into each other's way`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let runs = try (0..<30).map { try box.launch(["exec", box.id(), "echo", "\($0)"]) }
            for (number, run) in runs.enumerated() {
                let outcome = try run.finish()
                #expect(outcome.output == "\(number)\n", "\(outcome)")
            }
            try box.succeed("delete", "--force", box.id())
        }
    }
}
