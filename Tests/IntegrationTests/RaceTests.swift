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
