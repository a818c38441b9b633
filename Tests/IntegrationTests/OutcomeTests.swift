import Foundation
import Glibc
import Testing

/// How supervised runs come out: the program Tests/outcome carries out plans of a few steps.
struct OutcomeTests {
    private func lines(_ scenario: String, _ box: Sandbox, _ seconds: Double = 30) throws
        -> [String]
    {
        let run = try Running(Host.outcome, [scenario, box.directory])
        return try run.finish(seconds: seconds).output.split(separator: "\n").map(String.init)
    }

    /// Figures of version 2 as files.
    private func writeFigures(_ box: Sandbox, kills: Int) throws {
        try box.write("cpu.stat", "usage_usec 1500\nuser_usec 1000\n")
        try box.write("memory.current", "4096\n")
        try box.write("memory.peak", "8192\n")
        try box.write("memory.events", "low 0\nmax 0\noom_kill \(kills)\n")
        try box.write("pids.current", "2\n")
        try box.write("pids.peak", "3\n")
    }

    @Test(arguments: [
        ("code", ["ending: exited(7)", "measured: true", "in order: true"]),
        ("signal", ["ending: signaled(15)"]), ("left", ["ending: left"]),
        (
            "warning",
            ["told: a limit does not hold", "ending: exited(0)", "warning: a limit does not hold"]
        ),
        ("before the deadline", ["ending: exited(3)"]),
        ("deadline in a step", ["ended", "ending: timedOut"]),
        ("deadline in a turn", ["ended", "ending: timedOut"]),
        ("failure", ["ended", "ended", "failure: act: there is no such thing"]),
        (
            "failed ending",
            [
                "ended", "told: it stays", "failed finish: it stays", "ending: exited(0)",
                "warning: it stays",
            ]
        ),
    ])
    func `an outcome says how a run ended, and what was warned of`(
        scenario: String, expected: [String]
    ) throws {
        try Sandbox.use { box in
            let lines = try lines(scenario, box)
            #expect(lines == expected)
        }
    }

    @Test func `at the deadline the program is killed`() throws {
        try Sandbox.use { box in
            #expect(try lines("deadline", box) == ["ending: timedOut"])
            let pid = try #require(pid_t(box.read("pid").dropLast()))
            #expect(kill(pid, 0) == -1 && errno == ESRCH)
        }
    }

    @Test func `a program that the kernel kills for want of memory is told apart`() throws {
        try Sandbox.use { box in
            try writeFigures(box, kills: 2)
            let found = try lines("out of memory", box)
            #expect(found.count == 6)
            #expect(found[0].hasPrefix("told: the kernel killed the program"))
            #expect(found[1] == "ending: outOfMemory")
            #expect(found[2].hasPrefix("warning: the kernel killed the program"))
            #expect(
                found.suffix(3) == ["kills: 2", "time: 1500000, memory: 8192", "processes: 3"])
        }
    }

    @Test func `the observer of the usage may end the container`() throws {
        try Sandbox.use { box in
            try writeFigures(box, kills: 0)
            #expect(
                try lines("observer", box) == [
                    "memory: 4096", "memory: 4096", "memory: 4096", "ending: stopped",
                ])
        }
    }
}
