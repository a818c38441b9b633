import ContainerRuntime
import LinuxSystem
import Testing

@testable import Report
@testable import Supervision

/// The meta file of isolate 2.6, as its source writes it.
@Suite struct `A meta file` {
    private func text(
        _ ending: Outcome.Ending, _ program: ChildProcess.Ending?, used: UInt64 = 20,
        limits: (time: UInt64, wall: UInt64) = (0, 0), group: Bool = false, kills: UInt64 = 0
    ) -> (text: String, code: CInt) {
        var outcome = Outcome(
            ending: ending,
            timings: .init(begun: 0, made: 0, started: 1_000_000, ended: 1_235_000_000))
        outcome.program = program
        outcome.outOfMemoryKills = Int(kills)
        var usage = ProcessUsage(
            userTime: used * 1_000_000, systemTime: 0, peakMemory: 5 << 20)
        usage.voluntarySwitches = 3
        usage.forcedSwitches = 4
        outcome.usage.processes = usage
        var held = BoxMeta.Limits()
        (held.time, held.wallTime) = limits
        held.usesControlGroup = group
        let meta = BoxMeta(outcome, held)
        return (meta.text, meta.exitCode)
    }

    private let figures =
        "time:0.020\ntime-wall:1.234\nmax-rss:5120\ncsw-voluntary:3\ncsw-forced:4\n"

    @Test func `of a program that ends by itself has its code`() {
        #expect(text(.exited(0), .exited(0)) == (figures + "exitcode:0\n", 0))
        #expect(
            text(.exited(3), .exited(3)) == (
                figures + "exitcode:3\nstatus:RE\nmessage:Exited with error status 3\n", 1
            ))
    }

    @Test func `of a signal has its number`() {
        #expect(
            text(.signaled(11), .signaled(11)) == (
                figures + "exitsig:11\nstatus:SG\nmessage:Caught fatal signal 11\n", 1
            ))
    }

    @Test func `of a program that was killed for its time has no code, and the figures last`() {
        #expect(
            text(.exceeded(.cpuTime), .signaled(9)) == (
                "status:TO\nmessage:Time limit exceeded\nkilled:1\n" + figures, 1
            ))
        #expect(
            text(.exceeded(.wallTime), .signaled(9)) == (
                "status:TO\nmessage:Time limit exceeded (wall clock)\nkilled:1\n" + figures, 1
            ))
    }

    @Test func `of a program that ended too late by itself was not killed`() {
        let late = "status:TO\nmessage:Time limit exceeded\n"
        #expect(text(.exited(0), .exited(0), limits: (19, 0)) == (figures + late, 1))
        #expect(text(.exceeded(.cpuTime), .exited(0)) == (figures + late, 1))
        #expect(
            text(.exited(0), .exited(0), limits: (0, 1233)).text
                == figures + "status:TO\nmessage:Time limit exceeded (wall clock)\n")
        #expect(text(.exited(0), .exited(0), limits: (20, 1234)).code == 0)
    }

    @Test func `of a run that was interrupted has the signal first`() {
        #expect(
            text(.signaled(15), .signaled(9)) == (
                "exitsig:15\nstatus:SG\nmessage:Interrupted\nkilled:1\n" + figures, 1
            ))
    }

    @Test func `tells of the kernel's kill with a control group alone`() {
        #expect(
            text(.outOfMemory, .signaled(9), group: true, kills: 1).text == figures
                + "cg-oom-killed:1\nexitsig:9\nstatus:SG\nmessage:Caught fatal signal 9\n")
        // One of its processes.
        #expect(
            text(.exited(0), .exited(0), group: true, kills: 1).text
                == figures + "cg-oom-killed:1\nexitcode:0\n")
    }

    @Test func `of a failure says what isolate says`() {
        let none = "time:0.000\ntime-wall:0.000\nmax-rss:0\ncsw-voluntary:0\ncsw-forced:0\n"
        let missing = BoxMeta(Failure("no such program", .programNotFound))
        #expect(
            missing.text == none
                + "exitcode:127\nstatus:RE\nmessage:Exited with error status 127\n")
        #expect(missing.exitCode == 1)
        let other = BoxMeta(Failure("a rule\ndoes not hold"))
        #expect(other.text == "status:XX\nmessage:a rule\\ndoes not hold\n")
        #expect(other.exitCode == 2)
    }
}
