import Glibc
import Testing

/// `SCMP_ACT_NOTIFY`: somebody outside decides about calls.
struct SeccompListenerTests {
    /// With calls that the runtime itself makes behind the filter, which have to be answered too.
    private func profile(_ socket: String, _ names: [String]) -> Value {
        [
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": .string(socket),
            "listenerMetadata": "some words",
            "syscalls": [["names": Value(names), "action": "SCMP_ACT_NOTIFY"]],
        ]
    }

    private static let asked = ["mkdir", "mkdirat"]
    private static let askedMuch = asked + ["sendmsg", "recvmsg", "read", "close", "execve"]

    private func withAgent<Result>(
        _ box: Sandbox, _ body: (Running, String) throws -> Result
    ) throws -> Result {
        let socket = box.path("agent")
        let agent = try Running(Host.probe, ["--agent", socket], input: .open)
        defer {
            agent.closeInput()
            _ = try? agent.finish()
        }
        #expect(try agent.readLine() == "ready")
        return try body(agent, socket)
    }

    /// Its init process hides from it: the listener comes by a message.
    @Test func `an ordinary user's listener decides too`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            try withAgent(box) { agent, socket in
                box.mayChange = ["agent"]
                chmod(socket, 0o777)
                var config = box.ordinaryConfig()
                config["linux"]["seccomp"] = profile(socket, Self.asked)
                config.run(["/probe", "mkdir:/tmp/x"])
                let facts = try Facts(try box.runOrdinary(config))
                #expect(facts.result("mkdir:/tmp/x") == "EXDEV")
                let told = try Value(parsing: try agent.readLine())
                #expect(told["fds"] == ["seccompFd"])
            }
        }
    }

    @Test(arguments: [true, false], [asked, askedMuch])
    func `whoever listens decides, also about the runtime's own last calls`(
        _ noNewPrivileges: Bool, _ names: [String]
    ) throws {
        try Sandbox.use { box in
            try withAgent(box) { agent, socket in
                box.mayChange = ["agent"]
                var config = box.config()
                config["process"]["noNewPrivileges"] = .bool(noNewPrivileges)
                config["linux"]["seccomp"] = profile(socket, names)
                config["annotations"] = ["a": "b"]
                // Twice: the second time the filter is found compiled.
                for _ in 0..<2 {
                    let facts = try box.probe(config, ["mkdir:/tmp/x", "create:/tmp/y"])
                    #expect(facts.result("mkdir:/tmp/x") == "EXDEV")
                    #expect(facts.result("create:/tmp/y") == "ok")
                    #expect(Set(facts["descriptors"].object?.keys ?? [:].keys) == ["0", "1", "2"])
                    let told = try Value(parsing: try agent.readLine())
                    #expect(told["fds"] == ["seccompFd"])
                    #expect(told["metadata"] == "some words")
                    #expect(told["ociVersion"] == "1.3.0")
                    #expect(told["state"]["status"] == "creating")
                    #expect(told["state"]["annotations"] == ["a": "b"])
                    #expect(told["state"]["pid"] == told["pid"])
                    #expect(told["state"]["bundle"] == .string(box.bundle))
                }
            }
        }
    }

    @Test func `of exec it is told the process and the container`() throws {
        try Sandbox.use { box in
            try withAgent(box) { agent, socket in
                try box.makeRoot()
                var config = box.plainConfig()
                config.run(["/probe", "--wait"])
                config["linux"]["seccomp"] = profile("../agent", SeccompListenerTests.askedMuch)
                try box.prepare(config)
                try box.withContainer(box.id()) {
                    let created = try box.runCommand(["create", "--bundle", box.bundle, box.id()])
                    try #require(created.code == 0, "\(created)")
                    let first = try Value(parsing: try agent.readLine())
                    #expect(first["state"]["id"] == .string(box.id()))
                    #expect(first["state"]["status"] == "creating")
                    let state = try Value(parsing: try box.runCommand(["state", box.id()]).output)
                    #expect(first["pid"] == state["pid"])
                    let started = try box.runCommand(["start", box.id()])
                    #expect(started.code == 0, "\(started)")
                    let executed = try box.runCommand(
                        ["exec", box.id(), "/probe", "--only", "mkdir:/tmp/x"])
                    #expect(executed.code == 0, "\(executed)")
                    #expect(executed.output.contains("EXDEV"))
                    let second = try Value(parsing: try agent.readLine())
                    #expect(second["state"]["status"] == "running")
                    #expect(second["state"]["pid"] == state["pid"])
                    #expect(second["pid"] != state["pid"])
                }
            }
        }
    }

    @Test func `with nobody there nothing is started`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile(box.path("nobody"), SeccompListenerTests.asked)
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.output == "")
            #expect(
                outcome.error.contains(
                    "failed to connect with seccomp agent specified in the seccomp profile:"
                        + " connect"), "\(outcome)")
        }
    }
}
