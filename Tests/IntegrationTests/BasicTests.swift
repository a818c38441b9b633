import Testing

/// The one-shot form as the README shows it.
struct BasicTests {
    @Test func `a config's program runs and its output passes through`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.run(["sh", "-c", "echo out; echo err >&2"])
            let outcome = try box.run(config)
            #expect(outcome.code == 0)
            #expect(outcome.output == "out\n")
            #expect(outcome.error == "err\n")
        }
    }

    @Test func `arguments after the config replace its program`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(box.config(), arguments: ["echo", "--", "-x", "a b"])
            #expect(outcome.output == "-- -x a b\n")
        }
    }

    /// As it is typed: `words` follow the config without `--`.
    private func type(
        _ box: Sandbox, _ options: [String] = [], _ words: [String]
    ) throws -> Outcome {
        let file = try box.write("bundle/config.json", box.config().prettyText)
        return try Running(Host.runtime, options + [file] + words).finish()
    }

    @Test(arguments: ["-v", "--version", "-h", "--diff", "--upper=x", "-la", "--", "--json"])
    func `what follows the config is the program's, with or without --`(_ word: String) throws {
        try Sandbox.use { box in
            for words in [["echo", "a", word, "b"], ["--", "echo", "a", word, "b"]] {
                let outcome = try type(box, [], words)
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output == "a \(word) b\n")
            }
        }
    }

    @Test(arguments: ["-v", "--version", "-h", "--help"])
    func `an option that only prints is an error where something is to run`(
        _ option: String
    ) throws {
        try Sandbox.use { box in
            // As docker's users type a volume and a host name.
            for words in [[option], [option, "/a:/b"]] {
                let outcome = try type(box, words, ["--", "true"])
                #expect(outcome.code == 125, "\(outcome)")
                #expect(outcome.output == "")
                #expect(outcome.error.contains("\(option.prefix(2))"), "\(outcome)")
                #expect(outcome.error.contains("take no operand"), "\(outcome)")
            }
            #expect(try Running(Host.runtime, [option]).finish().code == 0)
        }
    }

    @Test(arguments: [[], ["plan"]] as [[String]])
    func `an option behind the config is an error that says where it belongs`(
        _ command: [String]
    ) throws {
        try Sandbox.use { box in
            let outcome = try type(box, command, ["--upper", "state"])
            #expect(outcome.code != 0, "\(outcome)")
            #expect(outcome.output == "")
            #expect(
                outcome.error.contains("put options of vfs-run before"), "\(outcome)")
            let named = try type(box, command, ["--", "--upper"])
            #expect(!named.error.contains("options of vfs-run"), "\(named)")
        }
    }

    @Test func `standard input passes through, however long`() throws {
        try Sandbox.use { box in
            let data = String(repeating: "0123456789abcdef\n", count: 40_000)
            let outcome = try box.run(box.config(), arguments: ["cat"], input: data)
            #expect(outcome.code == 0)
            #expect(outcome.output == data)
        }
    }

    @Test(arguments: [0, 1, 3, 77, 124, 125, 126, 127, 128, 200, 255])
    func `the exit code is the program's`(_ code: Int32) throws {
        try Sandbox.use { box in
            let outcome = try box.run(box.config(), arguments: ["sh", "-c", "exit \(code)"])
            #expect(outcome.code == code)
            #expect(outcome.error == "")
        }
    }

    /// The first process of a pid namespace does not get signals that it sends to itself and
    /// leaves at their default; one that shares the host's dies of them.
    @Test(arguments: [(true, 3), (false, 128 + 15), (false, 128 + 11)])
    func `a program that kills itself ends with 128 and the signal`(
        _ ownProcesses: Bool, _ code: Int32
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            if !ownProcesses { config.share("pid") }
            let signal = code > 128 ? code - 128 : 15
            let outcome = try box.run(config, arguments: ["/probe", "--kill-self", "\(signal)"])
            #expect(outcome.code == code)
        }
    }

    @Test func `what a container destroys is there again in the next`() throws {
        try Sandbox.use { box in
            let damage = "rm -rf /bin /etc /usr /home /sbin /var /root /probe 2>/dev/null; echo /*"
            let first = try box.run(box.config(), arguments: ["sh", "-c", damage])
            #expect(first.code == 0)
            #expect(!first.output.contains("/bin"))
            let second = try box.run(
                box.config(), arguments: ["sh", "-c", "ls /etc/passwd /probe"])
            #expect(second.output == "/etc/passwd\n/probe\n")
        }
    }

    @Test func `what a container writes is gone in the next`() throws {
        try Sandbox.use { box in
            _ = try box.run(
                box.config(), arguments: ["sh", "-c", "echo x > /new; echo y >> /etc/group"])
            let facts = try box.probe(box.config(), ["lstat:/new", "read:/etc/group"])
            #expect(facts.result("lstat:/new") == "ENOENT")
            #expect(facts.found("read:/etc/group").string == Host.read(Host.base + "/etc/group"))
        }
    }

    @Test func `--upper keeps what was written for the next run`() throws {
        try Sandbox.use { box in
            box.mayChange = ["state"]
            let upper = box.path("state")
            let first = try box.run(
                box.config(), ["--upper", upper],
                arguments: ["sh", "-c", "echo kept > /root/note; rm /etc/hosts"])
            #expect(first.code == 0)
            let facts = try box.probe(
                box.config(), ["read:/root/note", "lstat:/etc/hosts"], options: ["--upper", upper])
            #expect(facts.found("read:/root/note") == "kept\n")
            #expect(facts.result("lstat:/etc/hosts") == "ENOENT")
            #expect(box.read("state/upper/root/note") == "kept\n")
        }
    }

    @Test func `--layer puts layers on top, the last one highest`() throws {
        try Sandbox.use { box in
            try box.write("one/etc/name", "one")
            try box.write("one/etc/one", "1")
            try box.write("two/etc/name", "two")
            let facts = try box.probe(
                box.config(), ["read:/etc/name", "read:/etc/one", "stat:/etc/passwd"],
                options: ["--layer", box.path("one"), "--layer", box.path("two")])
            #expect(facts.found("read:/etc/name") == "two")
            #expect(facts.found("read:/etc/one") == "1")
            #expect(facts.result("stat:/etc/passwd") == "ok")
        }
    }

    @Test func `relative names count from the bundle, --upper from the working directory`() throws {
        try Sandbox.use { box in
            try box.makeRoot("bundle/rootfs")
            box.mayChange = ["here"]
            try box.makeDirectory("here")
            var config = Config.minimal(root: "rootfs")
            config.run(["sh", "-c", "echo x > /new"])
            try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.watchingFiles {
                try Running(
                    Host.runtime, ["--upper", "state", "../bundle/config.json"],
                    directory: box.path("here")
                ).finish()
            }
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("here/state/upper/new") == "x\n")
        }
    }

    @Test func `only the three standard streams are open, whatever the caller left open`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config(), leaked: 40)
            let descriptors = try #require(facts["descriptors"].object)
            #expect(Set(descriptors.keys) == ["0", "1", "2"])
            #expect(descriptors.values.allSatisfy { $0["kind"] == "fifo" })
        }
    }

    @Test func `the program is process 1 of its own session with everything fresh`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config(), environment: ["SECRET=1", "PATH=/nowhere"])
            #expect(facts["pid"] == 1)
            #expect(facts["ppid"] == 0)
            #expect(facts["sid"] == 1)
            #expect(facts["hasControllingTerminal"] == false)
            #expect(facts["env"] == ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"])
            #expect(facts["SigBlk"] == 0)
            #expect(facts["SigIgn"] == 0)
            #expect(facts["dumpable"] == 1)
        }
    }
}
