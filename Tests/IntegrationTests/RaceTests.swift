import Glibc
import Testing

/// Commands on one container at once.
struct RaceTests {
    @Test func `of many who create one name one wins, and the others leave nothing`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let runs = try (0..<50).map { _ in try box.launch(["create", box.id()]) }
            let outcomes = try runs.map { try $0.finish() }
            #expect(outcomes.filter { $0.code == 0 }.count == 1)
            for outcome in outcomes where outcome.code != 0 {
                #expect(outcome.code == 1)
                #expect(
                    outcome.error.contains("container with given ID already exists"), "\(outcome)")
            }
            #expect(try box.status() == "created")
            #expect(Set(box.files()) == ["config.json", "exec.fifo", "groups.json", "state.json"])
            let pid = try box.pid()
            #expect(HostProcess.concerned(with: box.directory).filter { $0 != pid } == [])
            try box.succeed("delete", box.id())
        }
    }

    @Test func `of two who start one container one wins`() throws {
        try Sandbox.use { box in
            for _ in 0..<20 {
                try box.create()
                let runs = try (0..<2).map { _ in try box.launch(["start", box.id()]) }
                let outcomes = try runs.map { try $0.finish() }
                #expect(outcomes.map(\.code).sorted() == [0, 1])
                let loser = try #require(outcomes.first { $0.code == 1 })
                #expect(
                    loser.error.contains("cannot start an already running container"), "\(loser)")
                try box.succeed("delete", "--force", box.id())
            }
        }
    }

    /// What two commands at once come to: the second is started when the first has come to a
    /// moment that differs from round to round.
    private func collide(
        _ box: Sandbox, _ round: Int, _ first: [String], _ second: [String]
    ) throws -> (Outcome, Outcome) {
        let one = try box.launch(first)
        for _ in 0..<round * 40 { sched_yield() }
        let other = try box.launch(second)
        return (try one.finish(), try other.finish())
    }

    @Test func `delete by force during create leaves a whole container or none`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            for round in 0..<60 {
                let (create, delete) = try collide(
                    box, round, ["create", box.id()], ["delete", "--force", box.id()])
                #expect(delete.code == 0, "\(delete)")
                #expect([0, 1, 128 + SIGKILL].contains(create.code), "\(create)")
                if box.containers.isEmpty { continue }
                // Deleted before it was there.
                #expect(create.code == 0, "\(create)")
                #expect(try box.status() == "created")
                try box.succeed("delete", box.id())
            }
        }
    }

    @Test func `delete by force during start leaves nothing`() throws {
        try Sandbox.use { box in
            for round in 0..<40 {
                try box.create()
                let (start, delete) = try collide(
                    box, round, ["start", box.id()], ["delete", "--force", box.id()])
                #expect(delete.code == 0, "\(delete)")
                #expect([0, 1].contains(start.code), "\(start)")
                if start.code == 1 {
                    #expect(
                        ["does not exist", "killed", "stopped", "has died"].contains {
                            start.error.contains($0)
                        }, "\(start)")
                }
                #expect(box.containers.isEmpty)
            }
        }
    }

    @Test func `kill during create hits a container or says that there is none`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            for round in 0..<40 {
                let (create, kill) = try collide(
                    box, round, ["create", box.id()], ["kill", box.id(), "KILL"])
                // Killed between being recorded and being told of it, create may notice.
                #expect([0, 1].contains(create.code), "\(create)")
                if kill.code != 0 {
                    #expect(
                        ["does not exist", "container not running"].contains {
                            kill.error.contains($0)
                        }, "\(kill)")
                    #expect(create.code == 0, "\(create)")
                    #expect(try box.status() == "created")
                }
                try box.succeed("delete", "--force", box.id())
            }
        }
    }

    @Test func `many who delete one container do not fail of one another`() throws {
        try Sandbox.use { box in
            for _ in 0..<10 {
                try box.createAndStart()
                let runs = try (0..<8).map { _ in
                    try box.launch(["delete", "--force", box.id()])
                }
                for run in runs {
                    let outcome = try run.finish()
                    #expect(outcome.code == 0, "\(outcome)")
                }
                #expect(box.containers.isEmpty)
            }
        }
    }

    @Test func `states are whole while containers come and go`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            // A root of states that is not there is an error to list.
            try box.makeDirectory("containers")
            for _ in 0..<20 {
                let create = try box.launch(["create", box.id()])
                let lists = try (0..<4).map { _ in try box.launch(["list", "-f", "json"]) }
                for list in lists {
                    let outcome = try list.finish()
                    #expect(outcome.code == 0, "\(outcome)")
                    #expect(!outcome.error.contains("damaged"), "\(outcome)")
                }
                #expect(try create.finish().code == 0)
                try box.succeed("delete", box.id())
            }
        }
    }
}

/// The runtime process killed between any two of its acts.
struct KilledRuntimeTests {
    private func config(_ box: Sandbox) throws -> Value {
        var config = box.config()
        let hook = try box.write(
            "hook", "#!/bin/sh\necho \"$1\" >> \(box.path("hooks"))\n", mode: 0o755)
        for kind in ["createRuntime", "createContainer", "poststart", "poststop"] {
            config["hooks"][kind] = [
                ["path": .string(hook), "args": [.string(hook), .string(kind)]]
            ]
        }
        config["linux"]["seccomp"] = ["defaultAction": "SCMP_ACT_ALLOW"]
        return config
    }

    @Test(arguments: ["create", "run", "detach"])
    func `killed at any step, it leaves what delete by force removes`(_ form: String) throws {
        try Sandbox.use { box in
            try box.prepare(config(box), arguments: ["/probe"])
            var kills = 0
            for step in 0..<200 {
                let command = form == "detach" ? ["run", "--detach"] : [form]
                let run = try box.launch(
                    command + ["--pid-file", "pid", box.id()],
                    environment: ["VFS_RUN_TEST_KILL_AT=\(step)"])
                let outcome = try run.finish()
                if outcome.code == 128 + SIGKILL { kills += 1 }
                if let state = try? box.command("state", box.id()), state.code == 0 {
                    let status = try Value(parsing: state.output)["status"]
                    #expect(
                        outcome.code == 0 || ["stopped", "running", "created"].contains(status),
                        "step \(step): \(status)")
                    // Killed before it was told of, it must not wait for a start for ever.
                    if outcome.code == 128 + SIGKILL && form == "create" {
                        let left = HostProcess.concerned(with: box.directory)
                        for pid in left { #expect(HostProcess.waitForEnd(of: pid)) }
                        #expect(try box.status() == "stopped", "step \(step)")
                    }
                }
                try box.succeed("delete", "--force", box.id())
                #expect(box.containers.isEmpty, "step \(step)")
                // Looked for at once: the next round's would have the same names.
                #expect(ControlGroups.named(box.controlGroup) == [], "step \(step)")
                for pid in HostProcess.concerned(with: box.directory) {
                    #expect(HostProcess.waitForEnd(of: pid), "step \(step)")
                }
                if outcome.code != 128 + SIGKILL && step > 5 { break }
                #expect(outcome.code == 128 + SIGKILL, "step \(step): \(outcome)")
            }
            #expect(kills > 20, "only \(kills) steps were there to be killed at")
        }
    }

    /// Locked, before the fifo is opened; it is open; the init process has answered; it has
    /// become the program; the fifo is gone.
    @Test(arguments: 0..<5)
    func `killed in start, it leaves what delete by force removes`(_ act: Int) throws {
        try Sandbox.use { box in
            try box.create(nil, config(box))
            let pid = try box.pid()
            let outcome = try box.command(
                "start", box.id(), environment: ["VFS_RUN_TEST_KILL_AT=\(act)"])
            #expect(outcome.code == 128 + SIGKILL, "\(outcome)")
            let status = try box.status()
            // One whose start was not finished can still be started.
            if act < 1 {
                #expect(status == "created")
                try box.succeed("start", box.id())
            } else {
                #expect(["created", "running", "stopped"].contains(status))
            }
            if act > 2 { #expect(status == "running") }
            try box.succeed("delete", "--force", box.id())
            #expect(box.containers.isEmpty)
            #expect(HostProcess.waitForEnd(of: pid))
            #expect(ControlGroups.named(box.controlGroup) == [])
        }
    }

    @Test func `killed at any step of exec, it leaves the container as it was`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let pid = try box.pid()
            var kills = 0
            for step in 0..<100 {
                let outcome = try box.command(
                    "exec", "--pid-file", "pid", box.id(), "/bin/true",
                    environment: ["VFS_RUN_TEST_KILL_AT=\(step)"])
                if outcome.code != 128 + SIGKILL {
                    #expect(outcome.code == 0, "step \(step): \(outcome)")
                    if step > 5 { break }
                    continue
                }
                kills += 1
                #expect(try box.status() == "running", "step \(step)")
                // Whatever it has made is gone, or ends by itself as any program does.
                for left in HostProcess.children(of: pid) {
                    #expect(HostProcess.waitForEnd(of: left), "step \(step)")
                }
            }
            #expect(kills > 8, "only \(kills) steps were there to be killed at")
            try box.succeed("exec", box.id(), "/bin/true")
            try box.succeed("delete", "--force", box.id())
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `a name whose creator was killed can be used after delete`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["echo", "anew"])
            _ = try box.command("create", box.id(), environment: ["VFS_RUN_TEST_KILL_AT=4"])
            #expect(try box.command("create", box.id()).error.contains("already exists"))
            try box.succeed("delete", box.id())
            #expect(try box.succeed("run", box.id()).output == "anew\n")
        }
    }

    @Test func `the variable is nothing to an ordinary user, and nothing in the container`() throws
    {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let file = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            let words = try OrdinaryUser().command(box, box.path("vfs-run"), [file])
            let run = try Running(
                try #require(Host.find(words[0])), Array(words.dropFirst()),
                environment: ["VFS_RUN_TEST_KILL_AT=0"])
            #expect(try run.finish().code == 0)
        }
    }
}
