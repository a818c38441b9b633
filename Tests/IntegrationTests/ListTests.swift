import Glibc
import Testing

/// `list`, `spec` and the options that stand before the command.
struct ListTests {
    @Test func `the table has runc's columns, each as wide as its widest cell and three more`()
        throws
    {
        try Sandbox.use { box in
            let long = box.id("a-container-with-a-long-name")
            try box.create()
            try box.create(long)
            try box.killInit(long)
            let text = try box.succeed("list").output
            let lines = text.split(separator: "\n").map(String.init)
            let created = try box.state()["created"].string ?? ""
            let later = try box.state(long)["created"].string ?? ""
            let width = long.count + 3
            let pid = "\(try box.pid())"
            func row(_ cells: [String]) -> String {
                let widths = [width, 12, 12, max(12, box.bundle.count + 3)]
                let date = max(created.count, later.count) + 3
                return zip(cells, widths + [date]).map { cell, width in
                    cell + String(repeating: " ", count: width - cell.count)
                }.joined() + cells[5]
            }
            let rows = [
                [box.id(), pid, "created", box.bundle, created, "root"],
                [long, "0", "stopped", box.bundle, later, "root"],
            ].sorted { $0[0] < $1[0] }
            #expect(
                lines == [row(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])]
                    + rows.map(row))
            for name in [box.id(), long] { try box.succeed("delete", name) }
        }
    }

    @Test(arguments: [["--format", "json"], ["--format=json"], ["-f", "json"]])
    func `json is an array on one line`(_ options: [String]) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let text = try box.launch(["list"] + options).finish().output
            #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("]\n"))
            let list = try Value(parsing: text)
            #expect(list.array?.count == 1)
            var expected = try box.state()
            expected["owner"] = "root"
            #expect(list[0] == expected)
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--quiet", "-q"])
    func `quiet is the ids, one a line, in order`(_ option: String) throws {
        try Sandbox.use { box in
            for name in ["b", "a", "c"] { try box.create(box.id(name)) }
            let expected = ["a", "b", "c"].map { box.id($0) + "\n" }.joined()
            #expect(try box.succeed("list", option).output == expected)
            for name in ["b", "a", "c"] { try box.succeed("delete", box.id(name)) }
        }
    }

    @Test func `nothing is a header, null, and no line at all`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("containers")
            #expect(
                try box.succeed("list").output
                    == "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n")
            #expect(try box.succeed("list", "-f", "json").output == "null\n")
            #expect(try box.succeed("list", "-q").output == "")
        }
    }

    @Test func `a root that is given and not there is an error`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("list")
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("no such file or directory"), "\(outcome)")
        }
    }

    @Test func `a container that cannot be read does not hide the others`() throws {
        try Sandbox.use { box in
            try box.create()
            try box.write("containers/broken/state.json", "{")
            let outcome = try box.succeed("list", "-f", "json")
            #expect(try Value(parsing: outcome.output).array?.count == 1)
            #expect(outcome.error.contains("load container broken"), "\(outcome)")
            try box.succeed("delete", "--force", "broken")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `a format that there is not is refused`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("list", "--format", "xml")
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("invalid format option"), "\(outcome)")
        }
    }

    @Test(arguments: ["--file", "-f"])
    func `spec writes it under another name`(_ option: String) throws {
        try Sandbox.use { box in
            try box.succeed("spec", option, "other.json")
            try box.succeed("spec", "-b", box.bundle, "--rootless", option, "third.json")
            for name in ["other.json", "third.json"] {
                #expect(try Value(parsing: box.read("bundle/\(name)"))["ociVersion"] == "1.3.0")
            }
            #expect(!box.exists("bundle/config.json"))
            try box.succeed("spec", option, box.path("absolute.json"))
            #expect(box.exists("absolute.json"))
        }
    }

    @Test func `the config that spec writes runs`() throws {
        try Sandbox.use { box in
            try box.succeed("spec", "--bundle", box.bundle)
            let refused = try box.command("spec")
            #expect(refused.code == 1)
            #expect(refused.error.contains("exists") && refused.error.contains("emove it"))
            var config = try Value(parsing: box.read("bundle/config.json"))
            #expect(config["process"]["terminal"] == true)
            // A place for limits, but none.
            #expect(config["linux"]["resources"] == [:])
            config["process"]["terminal"] = nil
            config["root"]["path"] = .string(try box.makeRoot())
            try box.prepare(config, arguments: ["echo", "runs"])
            #expect(try box.succeed("run", box.id()).output == "runs\n")
        }
    }
}

struct GlobalOptionTests {
    @Test(arguments: [false, true])
    func `states are kept below root, which is made for root alone`(_ hasEquals: Bool) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let words = hasEquals ? ["--root=\(box.stateRoot)"] : ["--root", box.stateRoot]
            let outcome = try Running(
                Host.runtime, words + ["create", "--bundle", box.bundle, box.id()]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            var status = stat()
            #expect(stat(box.stateRoot, &status) == 0 && status.st_mode & 0o777 == 0o700)
            try box.succeed("delete", box.id())
        }
    }

    @Test(arguments: ["/", "//", "/tmp/..", "/."])
    func `the root of states may not be the root of all files`(_ root: String) throws {
        let outcome = try Running(Host.runtime, ["--root", root, "list"]).finish()
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("--root"), "\(outcome)")
    }

    @Test func `a json log has the keys that containerd reads, and people are told too`() throws {
        try Sandbox.use { box in
            let globals = ["--log", "log.json", "--log-format", "json"]
            for _ in 0..<2 {
                let outcome = try box.command("state", "nobody", globals: globals)
                #expect(outcome.code == 1)
                #expect(outcome.error == "vfs-run: container \"nobody\" does not exist\n")
            }
            let lines = box.read("bundle/log.json").split(separator: "\n")
            #expect(lines.count == 2, "it is appended to")
            for line in lines {
                let record = try Value(parsing: String(line))
                #expect(record.object?.keys.sorted() == ["level", "msg", "time"])
                #expect(record["level"] == "error")
                #expect(record["msg"] == "container \"nobody\" does not exist")
                let time = try #require(record["time"].string)
                #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(time)")
            }
        }
    }

    @Test(arguments: [["--log", "log"], ["--log=file:log", "--log-format=text"]])
    func `a text log has time, level and message`(_ globals: [String]) throws {
        try Sandbox.use { box in
            _ = try box.command("state", "nobody", globals: globals)
            let text = box.read("bundle/log")
            let form =
                #/time="[-0-9T:]+Z" level=error msg="container \\"nobody\\" does not exist"\n/#
            #expect(text.wholeMatch(of: form) != nil, "\(text)")
        }
    }

    @Test func `kill and delete take an expression for many names`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            for name in ["one", "two", "other"] { try box.succeed("create", box.id(name)) }
            let both = "^\(box.id("one"))$|-two$"
            try box.succeed("kill", "--regex", both, "KILL")
            try box.succeed("delete", "--force", "-r", both)
            #expect(try box.succeed("list", "-q").output == box.id("other") + "\n")
            let outcome = try box.command("delete", "--regex", "(")
            #expect(
                outcome.code == 1 && outcome.error.contains("not an extended regular expression"))
            try box.succeed("delete", box.id("other"))
        }
    }

    /// What is asked for and not there is never left out in silence.
    @Test(arguments: [["--systemd-cgroup"], ["--cgroup-manager", "systemd"]])
    func `a manager of control groups that is not there is refused`(_ globals: [String]) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["true"])
            let outcome = try box.command("create", box.id(), globals: globals)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("systemd cannot be reached"), "\(outcome)")
        }
    }

    @Test func `json without a file goes to standard error alone`() throws {
        try Sandbox.use { box in
            let outcome = try box.command("state", "nobody", globals: ["--log-format", "json"])
            let record = try Value(parsing: outcome.error)
            #expect(record["level"] == "error")
        }
    }

    @Test func `what create says of its failure is in the log too`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["no-such"])
            let globals = ["--log", "log.json", "--log-format", "json"]
            let outcome = try box.command("create", box.id(), globals: globals)
            #expect(outcome.code == 1)
            let last = box.read("bundle/log.json").split(separator: "\n").last
            let record = try Value(parsing: String(last ?? ""))
            #expect(record["level"] == "error")
            #expect(
                record["msg"].string?.contains("executable file not found in $PATH") == true,
                "\(record)")
        }
    }

    @Test func `a log that cannot be written is an error before anything is done`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/bin/true"])
            let outcome = try box.command("create", box.id(), globals: ["--log", "no/such/log"])
            #expect(outcome.code == 1)
            #expect(
                outcome.error
                    == "vfs-run: unable to open log file: no/such/log: no such file or directory\n")
            #expect(box.containers.isEmpty)
        }
    }

    /// As runc's callers may write them.
    @Test(arguments: ["false", "0", "F"])
    func `a switch is off where it is said to be`(_ word: String) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["echo", "here"])
            let outcome = try box.command(
                "run", "--detach=\(word)", "--keep=true", "--keep=\(word)", box.id(),
                globals: ["--systemd-cgroup=\(word)", "--debug=\(word)", "--rootless=\(word)"])
            #expect(outcome.code == 0 && outcome.output == "here\n", "\(outcome)")
            #expect(outcome.error == "")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `debug logs every step`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["true"])
            try box.succeed("run", box.id(), globals: ["--debug", "--log", "log"])
            let lines = box.read("bundle/log").split(separator: "\n")
            #expect(lines.count > 10)
            #expect(lines.allSatisfy { $0.contains("level=debug") })
            #expect(lines.contains { $0.contains("execute true") })
            // Without it nothing is logged where all is well.
            try box.succeed("run", box.id(), globals: ["--log", "quiet"])
            #expect(box.exists("bundle/quiet") && box.read("bundle/quiet").isEmpty)
        }
    }

    @Test(
        arguments: [
            (["--log-format", "xml", "list"], "invalid log-format: xml"),
            (["--log-level", "loud", "list"], "loud"), (["--rootless", "maybe", "list"], "maybe"),
            (["--cgroup-manager", "me", "list"], "me"), (["--root"], "needs a value"),
            (["--debug=maybe", "list"], "invalid boolean value \"maybe\" for --debug"),
            (["list", "--quiet=maybe"], "invalid boolean value \"maybe\" for --quiet"),
            (["--log", "journald:x", "list"], "is not a file"),
            (["--log", "syslog:x", "list"], "is not a file"),
        ] as [([String], String)])
    func `a value that is not known is refused`(_ words: [String], _ sentence: String) throws {
        let outcome = try Running(Host.runtime, words).finish()
        #expect(outcome.code != 0)
        #expect(outcome.error.contains(sentence), "\(outcome)")
    }
}
