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
