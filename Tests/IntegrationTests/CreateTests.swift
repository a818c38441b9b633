import Glibc
import Testing

/// `create` and its options, as engines give them.
struct CreateTests {
    @Test func `a created container waits, and start executes its program`() throws {
        try Sandbox.use { box in
            let run = try box.create(arguments: ["sh", "-c", "echo hello; exit 3"])
            #expect(try box.status() == "created")
            let pid = try box.pid()
            #expect(HostProcess.all.contains(pid))
            #expect(Set(box.files()) == ["config.json", "exec.fifo", "groups.json", "state.json"])
            try box.succeed("start", box.id())
            #expect(try run.readToEnd() == "hello\n")
            #expect(HostProcess.waitForEnd(of: pid))
            #expect(try box.status() == "stopped")
            #expect(box.files().contains("exec.fifo") == false)
            try box.succeed("delete", box.id())
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `while it waits it holds next to nothing of the program's file`() throws {
        try Sandbox.use { box in
            try box.create()
            let pid = try box.pid()
            // It is told to be created before it has come to rest.
            let deadline = clock() + 3_000_000
            var held = Int.max
            while held > 192 && clock() < deadline {
                held = try #require(HostProcess.field("RssFile", of: pid))
            }
            // KiB: where it goes on, with the pages that the kernel maps around it.
            #expect(held <= 192)
            try box.succeed("start", box.id())
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// The kernel keeps from the first process of a pid namespace what that has no handler for.
    @Test(arguments: ["TERM", "INT", "HUP", "QUIT"])
    func `a created container ends by the signals that mean its end`(_ signal: String) throws {
        try Sandbox.use { box in
            try box.create()
            let pid = try box.pid()
            // It is told to be created before it has come to rest.
            let deadline = clock() + 3_000_000
            while HostProcess.field("RssFile", of: pid) ?? 0 > 192 && clock() < deadline {}
            try box.succeed("kill", box.id(), signal)
            #expect(HostProcess.waitForEnd(of: pid))
            #expect(try box.status() == "stopped")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `standard input is the program's`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["sh", "-c", "cat; cat >&2 /etc/hostname"])
            let run = try box.launch(["create", box.id()], input: .bytes(Array("typed\n".utf8)))
            #expect(try run.finish().code == 0)
            try box.succeed("start", box.id())
            #expect(try run.readToEnd() == "typed\n")
            #expect(!run.errorSoFar.isEmpty)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--bundle", "-b", "--config", "-f"])
    func `the bundle and the config can lie elsewhere`(_ option: String) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let place =
                ["--config", "-f"].contains(option) ? box.bundle + "/config.json" : box.bundle
            let outcome = try Running(
                Host.runtime, ["--root", box.stateRoot, "create", option, place, box.id()],
                directory: box.directory
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let expected = ["--config", "-f"].contains(option) ? box.directory : box.bundle
            #expect(try box.state()["bundle"] == .string(expected))
            try box.succeed("delete", box.id())
        }
    }

    @Test(arguments: [["--pid-file", "pid"], ["--pid-file=pid"]])
    func `the pid file holds the digits and nothing else`(_ options: [String]) throws {
        try Sandbox.use { box in
            try box.create(options: options)
            #expect(try box.read("bundle/pid") == "\(box.pid())")
            #expect(
                Set(TreeSnapshot.names(in: box.bundle)) == ["config.json", "pid"],
                "nothing is left of its making")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `a pid file that cannot be written ends the creation`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let outcome = try box.command("create", "--pid-file", "/no/such/pid", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("/no/such/pid"), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `the pidfd socket gets the init process and the word standard`() throws {
        try Sandbox.use { box in
            let socket = try ReceivingSocket(box.path("s"))
            try box.create(options: ["--pidfd-socket", socket.path])
            let (words, pidfd) = try socket.receive()
            defer { close(pidfd) }
            #expect(words == "standard")
            let line = Host.read("/proc/self/fdinfo/\(pidfd)").split(separator: "\n")
                .first { $0.hasPrefix("Pid:") }
            #expect(try line?.contains("\(box.pid())") == true, "\(line ?? "")")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `the console socket gets the terminal, by its name inside`() throws {
        try Sandbox.use { box in
            let socket = try ReceivingSocket(box.path("s"))
            var config = box.config()
            config["process"]["terminal"] = true
            config["process"]["consoleSize"] = ["height": 44, "width": 99]
            try box.create(
                nil, config, arguments: ["sh", "-c", "stty size; read x; echo got $x"],
                options: ["--console-socket", socket.path])
            let (words, descriptor) = try socket.receive()
            #expect(words == "/dev/pts/0")
            let screen = PseudoTerminal(adopting: descriptor, name: words)
            try box.succeed("start", box.id())
            // The line's end is one byte: ONLCR is cleared.
            try screen.waitFor("44 99\n")
            screen.type("typed\n")
            try screen.waitFor("got typed\n")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(
        arguments: [
            (true, [], "cannot allocate tty if"),
            (false, ["--console-socket", "s"], "cannot use console"),
            (true, ["--console-socket", "/no/such/socket"], "/no/such/socket"),
        ] as [(Bool, [String], String)])
    func `a terminal and a console socket go together`(
        _ terminal: Bool, _ options: [String], _ words: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["terminal"] = .bool(terminal)
            try box.prepare(config)
            let outcome = try box.launch(["create"] + options + [box.id()]).finish()
            #expect(outcome.code == 1)
            #expect(outcome.error.contains(words), "\(outcome)")
        }
    }

    @Test func `preserved descriptors reach the program, and no other`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe"])
            let run = try box.launch(["create", "--preserve-fds", "2", box.id()], leaked: 4)
            #expect(try run.finish().code == 0)
            try box.succeed("start", box.id())
            let facts = try Value(parsing: try run.readToEnd())
            let open = try #require(facts["descriptors"].object)
            #expect(Set(open.keys) == ["0", "1", "2", "3", "4"])
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["create", "run"])
    func `a preserved descriptor that is not open is an error`(_ command: String) throws {
        try Sandbox.use { box in
            try box.prepare(box.config())
            let run = try box.launch([command, "--preserve-fds", "2", box.id()], leaked: 1)
            let outcome = try run.finish()
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains("unable to stat preserved-fd 4 (of 2)"), "\(outcome)")
        }
    }

    @Test func `descriptors of the caller are closed while it waits`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let run = try box.launch(["create", box.id()], leaked: 5)
            #expect(try run.finish().code == 0)
            let folder = "/proc/\(try box.pid())/fd"
            // It is told to be created before it has come to rest.
            let deadline = clock() + 3_000_000
            while clock() < deadline,
                TreeSnapshot.names(in: folder).contains(where: {
                    Host.link(folder + "/" + $0)?.hasSuffix("/pagemap") == true
                })
            {}
            for name in TreeSnapshot.names(in: folder) {
                let target = Host.link(folder + "/" + name) ?? ""
                // The standard streams; what it waits at; its own procfs.
                let isOwn =
                    target.hasPrefix("pipe:") || target.hasSuffix("/exec.fifo") || target == "/"
                #expect(isOwn, "\(name) is \(target)")
            }
            try box.succeed("delete", box.id())
        }
    }

    @Test func `options without an effect of their own are taken`() throws {
        try Sandbox.use { box in
            let run = try box.create(
                arguments: ["/probe", "keyring:"],
                options: ["--no-pivot", "--no-new-keyring", "--no-subreaper"])
            try box.succeed("start", box.id())
            #expect(try run.readToEnd().contains("keyring"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    static let refusals: [([String], String)] = [
        ([], "requires exactly 1 argument"), (["a", "b"], "requires exactly 1 argument"),
        ([""], "container id cannot be empty"), (["../x"], "invalid container ID format"),
        (["a/b"], "invalid container ID format"), ([".."], "invalid container ID format"),
        (["--bundle", "/no/such", "x"], "JSON specification file /no/such/config.json not found"),
        (["--colour", "x"], "--colour"), (["--pid-file"], "needs a value"),
        (["--preserve-fds", "many", "x"], "many"),
    ]

    @Test(arguments: refusals)
    func `what cannot be created is refused with 1`(
        _ arguments: [String], _ words: String
    ) throws {
        try Sandbox.use { box in
            try box.prepare(box.config())
            let outcome = try box.launch(["create"] + arguments).finish()
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.output == "")
            #expect(outcome.error.contains(words), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `a name that is taken is refused, and its container stays`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let pid = try box.pid()
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains("container with given ID already exists"), "\(outcome)")
            #expect(try box.status() == "running")
            #expect(try box.pid() == pid)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `a creation that fails half-way leaves nothing`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["cwd"] = "/etc/passwd"
            try box.prepare(config)
            let outcome = try box.command("create", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("/etc/passwd"), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `later changes of the bundle do not reach the container`() throws {
        try Sandbox.use { box in
            let run = try box.create(arguments: ["echo", "first"])
            try box.prepare(box.config(), arguments: ["echo", "second"])
            try box.succeed("start", box.id())
            #expect(try run.readToEnd() == "first\n")
            try box.succeed("delete", "--force", box.id())
        }
    }
}
