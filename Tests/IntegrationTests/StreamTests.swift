import Glibc
import Testing

/// Whose the standard streams are, and what the limits leave of descriptors.
struct StreamTests {
    private func prepare(_ box: Sandbox, _ change: (inout Value) -> Void) throws {
        try box.makeRoot()
        var config = box.plainConfig()
        config["process"]["user"]["uid"] = 1000
        change(&config)
        try box.prepare(config)
    }

    @Test func `pipes become the user's, who can open them anew`() throws {
        try Sandbox.use { box in
            try prepare(box) {
                $0.run(["/bin/sh", "-c", "echo anew >/proc/self/fd/1; exec /probe"])
            }
            try box.withContainer(box.id()) {
                let outcome = try box.runCommand(["run", "--bundle", box.bundle, box.id()])
                #expect(outcome.output.hasPrefix("anew\n"), "\(outcome)")
                let facts = try Value(parsing: String(outcome.output.dropFirst(5)))
                for stream in ["0", "1", "2"] {
                    #expect(facts["descriptors"][stream]["uid"] == 1000)
                }
            }
        }
    }

    @Test func `of exec they become those of its user`() throws {
        try Sandbox.use { box in
            try prepare(box) { $0.run(["/probe", "--wait"]) }
            try box.withContainer(box.id()) {
                let started = try box.runCommand([
                    "run", "--detach", "--bundle", box.bundle, box.id(),
                ])
                try #require(started.code == 0, "\(started)")
                let facts = try Facts(
                    try box.runCommand(["exec", "--user", "1234:5", box.id(), "/probe"]))
                for stream in ["0", "1", "2"] {
                    #expect(facts["descriptors"][stream]["uid"] == 1234)
                }
            }
        }
    }

    @Test func `files of the host and its null device stay whose they are`() throws {
        try Sandbox.use { box in
            try prepare(box) { $0.run(["/probe"]) }
            let facts = try box.runBetweenNullAndLog()
            #expect(facts["descriptors"]["0"]["uid"] == 0)
            #expect(facts["descriptors"]["1"]["uid"] == 0)
            #expect(facts["descriptors"]["2"]["uid"] == 1000)
        }
    }

    @Test func `the one-shot form gives nothing away`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"]["uid"] = 1000
            let facts = try box.probe(config)
            #expect(facts["descriptors"]["1"]["uid"] == 0)
        }
    }

    // MARK: Files of the host

    /// Runs a shell's command line; `"$@"` in it is the runtime with `words`.
    private func shell(
        _ box: Sandbox, _ line: String, _ words: [String], seconds: Double = 30
    ) throws -> Outcome {
        try Running(
            "/bin/sh", ["-c", "cd \(box.directory); \(line)", "sh", Host.runtime] + words
        ).finish(seconds: seconds)
    }

    /// The one-shot form, with a shell's commands as its program.
    private func oneShot(_ box: Sandbox, _ commands: String) throws -> [String] {
        [try box.write("bundle/config.json", box.config().prettyText), "sh", "-c", commands]
    }

    @Test func `an input cannot be overwritten by its reader`() throws {
        try Sandbox.use { box in
            try box.write("data.txt", "as it was\n")
            let outcome = try shell(
                box, "\"$@\" < data.txt",
                try oneShot(box, "cat; echo X > /proc/self/fd/0; echo Y > /dev/stdin; exit 7"))
            #expect(outcome.code == 7, "\(outcome)")
            #expect(outcome.output == "as it was\n")
            #expect(box.read("data.txt") == "as it was\n")
        }
    }

    @Test func `a log that is appended to cannot be emptied`() throws {
        try Sandbox.use { box in
            try box.write("app.log", "one\n")
            let outcome = try shell(
                box, "\"$@\" >> app.log 2>&1",
                try oneShot(
                    box,
                    "echo two; : > /proc/self/fd/1; : > /dev/stderr; echo three >&2; echo four"))
            #expect(outcome.code == 0, "\(outcome)")
            // In the order in which it was written, through one stream or the other.
            #expect(box.read("app.log") == "one\ntwo\nthree\nfour\n")
        }
    }

    @Test func `files pass through whole, however long, before the runtime ends`() throws {
        try Sandbox.use { box in
            let text = (0..<200_000).map { "line \($0)\n" }.joined()
            try box.write("long", text)
            let outcome = try shell(
                box, "\"$@\" < long > copy 2> errors",
                try oneShot(box, "cat; echo end >&2; exit 3"))
            #expect(outcome.code == 3, "\(outcome)")
            #expect(box.read("copy") == text)
            #expect(box.read("errors") == "end\n")
        }
    }

    @Test func `what the program has not read is there for who reads next`() throws {
        try Sandbox.use { box in
            try box.write("lines", (0..<50_000).map { "\($0)\n" }.joined())
            // busybox's shell reads by the byte.
            let some = try shell(
                box, "{ \"$@\"; head -n 1; } < lines", try oneShot(box, "read a; read b; echo $b"))
            #expect(some.output == "1\n2\n", "\(some)")
            let none = try shell(
                box, "{ \"$@\"; head -n 1; } < lines", try oneShot(box, "exec 0<&-; echo ran"))
            #expect(none.output == "ran\n0\n", "\(none)")
        }
    }

    @Test func `an output that takes no more is an error of the runtime`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("small")
            let outcome = try shell(
                box,
                "unshare -m sh -c 'mount -t tmpfs -o size=64k none small && \"$@\" > small/out'"
                    + " sh \"$@\"",
                try oneShot(box, "head -c 1000000 /dev/zero; exit 0"))
            #expect(outcome.code == 125, "\(outcome)")
            #expect(
                outcome.error.contains("write standard output: no space left on device"),
                "\(outcome)")
        }
    }

    @Test func `the relayed pipes are the user's, who can open them anew`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"]["uid"] = 1000
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try shell(
                box, "\"$@\" > out", [file, "sh", "-c", "echo anew > /dev/stdout"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("out") == "anew\n")
        }
    }

    /// By every form of a start: through such a descriptor lies the whole host.
    @Test(arguments: ["0< canary", "1< canary", "2< canary"])
    func `a directory is no standard stream`(_ redirection: String) throws {
        try Sandbox.use { box in
            let once = try shell(
                box, "\"$@\" 3>&2 \(redirection)", try oneShot(box, "ls /proc/self/fd/0/../.."))
            #expect(once.code == 125, "\(once)")
            #expect(once.output == "")
            if !redirection.hasPrefix("2") {
                #expect(once.error.contains("is a directory of the host"), "\(once)")
            }
            try prepare(box) { $0.run(["/probe", "--wait"]) }
            let root = ["--root", box.stateRoot]
            for command in ["run", "create"] {
                let refused = try shell(
                    box, "\"$@\" \(redirection)",
                    root + [command, "--bundle", box.bundle, box.id()])
                #expect(refused.code == 1, "\(command): \(refused)")
                #expect(try box.runCommand(["state", box.id()]).code != 0)
            }
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let refused = try shell(
                    box, "\"$@\" \(redirection)", root + ["exec", box.id(), "true"])
                #expect(refused.code == 255, "\(refused)")
            }
        }
    }

    @Test func `a handle on a file is no standard stream either`() throws {
        try Sandbox.use { box in
            let outcome = try shell(
                box, "\(Host.probe) --with-handle canary/file \"$@\"",
                try oneShot(box, "cat /proc/self/fd/0"))
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("O_PATH"), "\(outcome)")
        }
    }

    /// Their numbers would be those of the runtime's own files.
    @Test func `closed streams are the null device`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try shell(
                box, "\"$@\" <&- 2>&-",
                [file, "sh", "-c", "for i in 0 2; do readlink /proc/self/fd/$i; done"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output == "/dev/null\n/dev/null\n")
            try prepare(box) { $0.run(["/probe", "--wait"]) }
            try box.withContainer(box.id()) {
                let root = ["--root", box.stateRoot]
                let created = try shell(
                    box, "\"$@\" <&- >&- 2>&-",
                    root + ["create", "--bundle", box.bundle, box.id()])
                #expect(created.code == 0, "\(created)")
                let started = try shell(box, "\"$@\" <&- >&-", root + ["start", box.id()])
                #expect(started.code == 0, "\(started)")
                let joined = try shell(
                    box, "\"$@\" <&-",
                    root + ["exec", box.id(), "/bin/sh", "-c", "readlink /proc/self/fd/0"])
                #expect(joined.output == "/dev/null\n", "\(joined)")
            }
        }
    }

    // MARK: Limits

    private func limit(_ config: inout Value, _ name: String, _ number: Int64) {
        config["process"]["rlimits"] = [
            ["type": .string(name), "soft": .integer(number), "hard": .integer(number)]
        ]
    }

    @Test(arguments: [3, 4, 5] as [Int64])
    func `a handful of descriptors is enough`(_ number: Int64) throws {
        try Sandbox.use { box in
            var config = box.config()
            limit(&config, "RLIMIT_NOFILE", number)
            config["process"]["cwd"] = "/made/for/it"
            let outcome = try box.run(config, arguments: ["/bin/sh", "-c", "ulimit -n"])
            #expect(outcome.output == "\(number)\n", "\(outcome)")
        }
    }

    @Test func `also for one that waits for its start, and for exec`() throws {
        try Sandbox.use { box in
            try prepare(box) {
                limit(&$0, "RLIMIT_NOFILE", 3)
                $0.run(["/probe", "--wait"])
            }
            try box.withContainer(box.id()) {
                let created = try box.runCommand(["create", "--bundle", box.bundle, box.id()])
                try #require(created.code == 0, "\(created)")
                let started = try box.runCommand(["start", box.id()])
                #expect(started.code == 0, "\(started)")
                let outcome = try box.runCommand(["exec", box.id(), "/bin/sh", "-c", "ulimit -n"])
                #expect(outcome.output == "3\n", "\(outcome)")
            }
        }
    }

    /// The kernel holds the limit against the user that a process becomes.
    @Test func `a limit of processes counts those of the user`() throws {
        try Sandbox.use { box in
            let user: uid_t = 54321
            // The process that is to become the user is not counted yet.
            let holders = try (0..<2).map { _ in
                try Running(Host.probe, ["--as", String(user)], input: .open)
            }
            defer { for holder in holders { holder.send(SIGKILL) } }
            for holder in holders { #expect(try holder.readLine() == "ready") }
            var config = box.config()
            config["process"]["user"]["uid"] = .integer(Int64(user))
            limit(&config, "RLIMIT_NPROC", 1)
            let refused = try box.run(config, arguments: ["/bin/sh", "-c", "echo ran"])
            #expect(refused.code == 126, "\(refused)")
            #expect(refused.output == "")
            config["process"]["user"]["uid"] = .integer(Int64(user) + 1)
            let outcome = try box.run(config, arguments: ["/bin/sh", "-c", "echo ran"])
            #expect(outcome.output == "ran\n", "\(outcome)")
        }
    }
}
