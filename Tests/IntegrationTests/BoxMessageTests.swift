import Foundation
import Glibc
import Testing

/// What `vfs-run isolate` says of a box that it cannot use.
struct BoxMessageTests: BoxRuns {
    private func run(_ caller: Caller, _ box: Sandbox, _ options: [String] = []) throws -> Outcome {
        try isolate(caller, box, ["-b", "5"] + options + ["--run", "--", "/bin/true"])
            .finish(seconds: 60)
    }

    @Test func `a file of another user in a box is named`() throws {
        try Sandbox.use { box in
            try make(.ordinary, box, ["-b", "5"])
            let folder = box.path("states/boxes/5/box/sub")
            mkdir(folder, 0o777)
            try box.write(folder + "/theirs", "x")
            chown(folder, Caller.ordinary.id, Caller.ordinary.id)
            let outcome = try run(.ordinary, box)
            #expect(outcome.code == 2, "\(outcome)")
            #expect(outcome.error.contains("sub/theirs\""), "\(outcome)")
            #expect(outcome.error.contains("belongs to another user"), "\(outcome)")
        }
    }

    @Test func `a tree that is too deep is named`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["-b", "5"])
            let path = box.path("states/boxes/5/box") + String(repeating: "/d", count: 300)
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            let outcome = try run(.root, box)
            #expect(outcome.code == 2, "\(outcome)")
            #expect(outcome.error.contains("lies deeper than 256 directories"), "\(outcome)")
            try remove(.root, box, ["-b", "5"])
        }
    }

    @Test func `memory that cannot be limited leads to --best-effort`() throws {
        try Sandbox.use { box in
            try make(.ordinary, box, ["--cg", "-b", "5"])
            guard ControlGroups.has(version1: "memory") else { try skip("memory is version 2") }
            let outcome = try run(.ordinary, box, ["--cg", "--cg-mem=65536"])
            #expect(outcome.code == 2 && outcome.error.contains("--best-effort"), "\(outcome)")
        }
    }

    /// It takes ten seconds.
    @Test func `a FIFO without another end does not hold a run up`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["-b", "5"])
            let tmp = box.path("states/boxes/5/tmp/tmp")
            try FileManager.default.createDirectory(
                atPath: tmp, withIntermediateDirectories: true)
            #expect(mkfifo(tmp + "/in", 0o666) == 0)
            let outcome = try run(.root, box, ["--stdin=/tmp/in"])
            #expect(outcome.code == 2 && outcome.error.contains("FIFO"), "\(outcome)")
        }
    }
}
