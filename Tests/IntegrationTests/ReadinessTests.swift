import Glibc
import Testing

/// sd_notify(3) and sd_listen_fds(3): what a service manager and a program say to one another.
struct ReadinessTests {
    private func withManager<Result>(
        _ box: Sandbox, _ body: (Running, [String]) throws -> Result
    ) throws -> Result {
        let socket = box.path("manager")
        let manager = try Running(Host.probe, ["--manager", socket], input: .open)
        defer {
            manager.closeInput()
            _ = try? manager.finish()
        }
        #expect(try manager.readLine() == "ready")
        return try body(manager, ["NOTIFY_SOCKET=" + socket])
    }

    private func prepare(_ box: Sandbox, _ arguments: [String]) throws {
        try box.makeRoot()
        var config = box.plainConfig()
        config.run(arguments)
        config["process"]["user"]["uid"] = 1000
        try box.prepare(config)
    }

    private func pid(_ box: Sandbox) throws -> Int64 {
        let state = try Value(parsing: try box.runCommand(["state", box.id()]).output)
        return try #require(state["pid"].integer)
    }

    /// The program's lies about the main process do not arrive.
    private func expectReady(_ manager: Running, mainPID: Int64) throws {
        #expect(try manager.readLine() == "STATUS=x|")
        #expect(try manager.readLine() == "STATUS=y|")
        #expect(try manager.readLine() == "READY=1|")
        #expect(try manager.readLine() == "MAINPID=\(mainPID)|")
        #expect(try manager.readLine() == "BARRIER=1")
    }

    @Test func `start waits until the program is ready and passes that on`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--notify"])
            try withManager(box) { manager, environment in
                try box.withContainer(box.id()) {
                    let created = try box.runCommand(
                        ["create", "--bundle", box.bundle, box.id()], environment: environment)
                    try #require(created.code == 0, "\(created)")
                    let started = try box.runCommand(["start", box.id()], environment: environment)
                    #expect(started.code == 0, "\(started)")
                    try expectReady(manager, mainPID: try pid(box))
                }
                #expect(!box.exists("containers/\(box.id())"))
            }
        }
    }

    @Test func `run passes it on, detached for the container and else for itself`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--notify"])
            try withManager(box) { manager, environment in
                try box.withContainer(box.id()) {
                    let detached = try box.runCommand(
                        ["run", "--detach", "--bundle", box.bundle, box.id()],
                        environment: environment)
                    #expect(detached.code == 0, "\(detached)")
                    try expectReady(manager, mainPID: try pid(box))
                }
                try box.withContainer(box.id("other")) {
                    let running = try box.launch(
                        ["run", "--bundle", box.bundle, box.id("other")], environment: environment)
                    #expect(try running.readLine() == "ready")
                    try expectReady(manager, mainPID: Int64(running.pid))
                    // In the foreground the runtime stays, and so passes on what comes later.
                    #expect(try manager.readLine() == "RELOADING=1|")
                    running.send(SIGTERM)
                    #expect(try running.finish().code == 40 + SIGTERM)
                }
            }
        }
    }

    @Test func `nobody waits for a program that has ended`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--only"])
            try withManager(box) { _, environment in
                try box.withContainer(box.id()) {
                    let detached = try box.runCommand(
                        ["run", "--detach", "--bundle", box.bundle, box.id()],
                        environment: environment)
                    #expect(detached.code == 0, "\(detached)")
                }
            }
        }
    }

    @Test func `a manager that is gone is a warning`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--notify"])
            try box.withContainer(box.id()) {
                let detached = try box.runCommand(
                    ["run", "--detach", "--bundle", box.bundle, box.id()],
                    environment: ["NOTIFY_SOCKET=" + box.path("nobody")])
                #expect(detached.code == 0, "\(detached)")
                #expect(detached.error.contains("NOTIFY_SOCKET was not told so: connect"))
            }
        }
    }

    // MARK: Descriptors

    /// - Parameter open: How many descriptors from 3 on are open.
    private func run(
        _ box: Sandbox, _ words: [String], open: CInt, environment: String
    ) throws -> Outcome {
        let script = "\(environment) exec \"$@\""
        return try box.withContainer(box.id()) {
            try Running(
                "/bin/sh",
                ["-c", script, "sh", Host.runtime, "--root", box.stateRoot, "run"] + words
                    + ["--bundle", box.bundle, box.id()], leaked: open
            ).finish()
        }
    }

    @Test(arguments: [
        ("LISTEN_PID=$$ LISTEN_FDS=2", 0, ["3", "4"]),
        ("LISTEN_PID=$$ LISTEN_FDS=2", 1, ["3", "4", "5"]),
        ("LISTEN_PID=1 LISTEN_FDS=2", 0, []), ("LISTEN_PID=1 LISTEN_FDS=2", 2, ["3", "4"]),
    ])
    func `the program gets the descriptors that are passed on, and no others`(
        _ environment: String, _ preserved: Int, _ passed: [String]
    ) throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe"])
            let outcome = try run(
                box, ["--preserve-fds", "\(preserved)"], open: 4, environment: environment)
            let facts = try Facts(outcome)
            let descriptors = Set((facts["descriptors"].object ?? [:]).keys)
            #expect(descriptors == Set(["0", "1", "2"] + passed))
            let variables = (facts["env"].array ?? []).compactMap(\.string)
                .filter { $0.hasPrefix("LISTEN") }
            #expect(
                variables == (environment.contains("$$") ? ["LISTEN_FDS=2", "LISTEN_PID=1"] : []))
        }
    }

    @Test(arguments: [
        ("LISTEN_PID=1", 2, "unable to stat preserved-fd 4 (of 2): descriptor 4 is not open"),
        ("LISTEN_PID=$$ LISTEN_FDS=2", 0, "LISTEN_FDS is 2, but descriptor 4 is not open"),
    ])
    func `one that is not open is named, and nothing is made`(
        _ environment: String, _ preserved: Int, _ sentence: String
    ) throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe"])
            let outcome = try run(
                box, ["--preserve-fds", "\(preserved)"], open: 1, environment: environment)
            #expect(outcome.code != 0)
            #expect(outcome.output == "")
            #expect(outcome.error.contains(sentence), "\(outcome)")
            #expect(!box.exists("containers/\(box.id())"))
        }
    }

    @Test func `exec passes descriptors on as well`() throws {
        try Sandbox.use { box in
            try prepare(box, ["/probe", "--wait"])
            try box.withContainer(box.id()) {
                let started = try box.runCommand([
                    "run", "--detach", "--bundle", box.bundle, box.id(),
                ])
                try #require(started.code == 0, "\(started)")
                let facts = try Facts(
                    try box.runCommand(
                        ["exec", "--preserve-fds", "2", box.id(), "/probe"], leaked: 3))
                #expect(
                    Set((facts["descriptors"].object ?? [:]).keys) == ["0", "1", "2", "3", "4"])
                let refused = try box.runCommand(
                    ["exec", "--preserve-fds", "2", box.id(), "/probe"], leaked: 1)
                #expect(refused.code == 255)
                #expect(refused.error.contains("descriptor 4 is not open"), "\(refused)")
            }
        }
    }
}
