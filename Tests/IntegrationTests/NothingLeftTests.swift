import Foundation
import Glibc
import Synchronization
import Testing

/// Removes a cgroup once, while nobody is in it, as a neighbour does that tidies empty ones away.
private final class Neighbour: Sendable {
    private let isDone = Atomic<Bool>(false)
    private let hasRemoved = Atomic<Bool>(false)

    /// - Parameter pause: How long it looks at the cgroup before it removes it.
    init(_ path: String, pause: useconds_t) {
        Thread { [self] in
            while !isDone.load(ordering: .relaxed) {
                if access(path, F_OK) != 0 { continue }
                usleep(pause)
                if rmdir(path) == 0 { hasRemoved.store(true, ordering: .relaxed) }
                return
            }
        }.start()
    }

    /// - Returns: Whether there was anything for it.
    func finish() -> Bool {
        isDone.store(true, ordering: .relaxed)
        return hasRemoved.load(ordering: .relaxed)
    }
}

/// Whatever goes wrong during a start: nothing of it stays on the host.
@Suite struct `A start that fails` {
    private func config(_ box: Sandbox, _ path: String) -> Value {
        var config = box.config()
        config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)" + path)
        config["linux"]["resources"] = ["pids": ["limit": 1]]
        return config
    }

    @Test(arguments: Array(4...28))
    func `for want of descriptors leaves no control group, upper or state`(_ limit: Int) throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", config(box, "/a/b").prettyText)
            func run(_ words: [String]) throws -> Outcome {
                try Running(
                    try #require(Host.find("prlimit")),
                    ["--nofile=\(limit):\(limit)", Host.runtime] + words, directory: box.bundle
                ).finish()
            }
            let once = try run(["--upper", box.path("state"), file, "--", "true"])
            #expect(ControlGroups.named(box.controlGroup) == [], "\(once)")
            if once.code != 0 {
                #expect(once.error != "")
                // One that is there is one that can be used.
                #expect(!TreeSnapshot.names(in: box.path("state/upper")).contains("etc"))
            }
            let created = try run(["--root", box.stateRoot, "create", box.id()])
            if created.code == 0 {
                try box.succeed("delete", "--force", box.id())
            }
            #expect(box.containers == [], "\(created)")
            #expect(ControlGroups.named(box.controlGroup) == [], "\(created)")
        }
    }

    @Test func `does not, where a neighbour tidies its empty control group away`() throws {
        try Sandbox.use { box in
            let mount = try #require(
                ControlGroups.mounts.first { $0.controllers.contains("pids") }
                    ?? ControlGroups.mounts.first { $0.controllers.isEmpty })
            let path = "\(mount.path)/\(box.controlGroup)"
            var removals = 0
            for round in 0..<80 {
                let neighbour = Neighbour(path, pause: useconds_t(round * 10))
                // The limit of one process holds all the same.
                let run = try box.run(config(box, ""), arguments: ["sh", "-c", "true | true"])
                if neighbour.finish() { removals += 1 }
                #expect(run.code != 125 && run.error.contains("fork"), "round \(round): \(run)")
            }
            #expect(removals >= 5)
        }
    }
}
