import Glibc
import Testing

@testable import LinuxSystem

struct `Processes below another one` {
    private func entries(_ parents: [Int32: Int32]) -> [Int32: ProcessTree.Entry] {
        parents.mapValues { ProcessTree.Entry(parent: $0) }
    }

    @Test func `are found by their parents, and a circle ends`() {
        let all = entries([1: 0, 2: 1, 3: 2, 4: 1, 5: 6, 6: 7, 7: 6, 8: 3])
        let found = ProcessTree.select(below: 2, of: all)
        #expect(Set(found.keys) == [2, 3, 8])
        #expect(ProcessTree.select(below: 9, of: all).isEmpty)
    }

    /// A fork bomb one below the other: each way up is gone once.
    @Test func `of a long chain are found in no time`() {
        var parents: [Int32: Int32] = [:]
        for pid in Int32(2)...100_000 { parents[pid] = pid - 1 }
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(ProcessTree.select(below: 50_000, of: entries(parents)).count == 50_001)
        }
        #expect(time < .seconds(20))
    }

    /// `/proc` tells of a process that runs by the clock tick, which is ten milliseconds.
    @Test func `are timed to less than a tick`() throws {
        var root: pid_t = 0
        var words = ["sh", "-c", "while :; do :; done"].map { (word: String) in strdup(word) }
        words.append(nil)
        defer { for word in words { free(word) } }
        try #require(posix_spawn(&root, "/bin/sh", nil, nil, &words, environ) == 0)
        defer {
            kill(root, SIGKILL)
            waitpid(root, nil, 0)
        }
        // Two looks may lie far apart on a busy machine.
        var steps: Set<UInt64> = []
        var last = ProcessTree.processorTime(below: root)
        for _ in 0..<100_000 where steps.count < 20 {
            let time = ProcessTree.processorTime(below: root)
            if time != last { steps.insert(time - last) }
            last = time
        }
        #expect(steps.contains { $0 < 10_000_000 }, "\(steps)")
    }
}
