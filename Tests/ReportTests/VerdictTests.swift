import ContainerRuntime
import LinuxSystem
import Testing

@testable import Cgroups
@testable import Report
@testable import Supervision

@Suite struct `A verdict` {
    private func outcome(
        _ ending: Outcome.Ending, _ change: (inout Outcome) -> Void = { _ in }
    ) -> Outcome {
        var outcome = Outcome(
            ending: ending, timings: .init(begun: 10, made: 20, started: 30, ended: 130))
        change(&outcome)
        return outcome
    }

    private func verdict(_ outcome: Outcome) -> Verdict { Verdict(.success(outcome)) }

    static let endings: [(Outcome.Ending, Verdict.Status, String?)] = [
        (.exited(0), .ok, nil), (.exited(7), .failed, "exit code"),
        (.signaled(11), .signaled, "signal"), (.timedOut, .timeLimit, "wall"),
        (.exceeded(.wallTime), .timeLimit, "wall"), (.exceeded(.cpuTime), .timeLimit, "cpu"),
        (.outOfMemory, .memoryLimit, "memory"), (.exceeded(.output), .outputLimit, "output"),
        (.exceeded(.disk), .diskLimit, "disk"),
    ]

    @Test(arguments: endings)
    func `has one status and one reason`(
        _ row: (Outcome.Ending, Verdict.Status, String?)
    ) {
        let verdict = verdict(outcome(row.0))
        #expect(verdict.status == row.1)
        #expect(verdict.reason == row.2)
    }

    @Test func `lists every limit that was reached`() {
        let found = verdict(
            outcome(.exceeded(.wallTime)) {
                $0.usage.account = .init()
                $0.usage.account?.refusedProcesses = 3
                $0.usage.isDiskFull = true
                $0.outOfMemoryKills = 1
            })
        #expect(found.status == .timeLimit)
        #expect(found.limitsHit == ["wall", "memory", "pids", "disk"])
    }

    @Test func `calls SIGSYS a violation only where the filter may kill`() {
        #expect(verdict(outcome(.signaled(31))).status == .signaled)
        #expect(verdict(outcome(.signaled(31)) { $0.filterMayKill = true }).status == .violation)
        #expect(verdict(outcome(.signaled(9)) { $0.filterMayKill = true }).status == .signaled)
    }

    @Test func `of a full disk depends on whether the program did with it`() {
        let full: (inout Outcome) -> Void = { $0.usage.isDiskFull = true }
        #expect(verdict(outcome(.exited(1), full)).status == .diskLimit)
        #expect(verdict(outcome(.exited(0), full)).status == .ok)
        #expect(verdict(outcome(.outOfMemory, full)).status == .memoryLimit)
    }

    @Test(
        arguments: [
            (.other, .internalError), (.programNotFound, .couldNotExecute),
            (.programNotExecutable, .couldNotExecute), (.outOfMemory, .memoryLimit),
            (.interrupted, .internalError),
        ] as [(Failure.Kind, Verdict.Status)])
    func `of a failure goes by its kind`(_ row: (Failure.Kind, Verdict.Status)) {
        #expect(Verdict(.failure(Failure("it failed", row.0))).status == row.1)
    }

    @Test func `names the limit in its sentence`() {
        let killed = outcome(.outOfMemory) { $0.limits.memory = 256 << 20 }
        #expect(verdict(killed).sentence(killed) == "killed: out of memory (256 MiB)")
        let late = outcome(.exceeded(.wallTime)) {
            $0.limits.limits.wallTime = Setting(1_500_000_000, .standard)
        }
        #expect(verdict(late).sentence(late) == "killed: out of time (1.5 s)")
        let refused = outcome(.exited(1)) {
            $0.usage.account = .init()
            $0.usage.account?.refusedProcesses = 3
            $0.limits.processes = 64
        }
        #expect(
            verdict(refused).sentence(refused)
                == "failed: a new process was refused 3 times (limit 64)")
        #expect(verdict(outcome(.exited(1))).sentence(outcome(.exited(1))) == nil)
    }

    @Test func `goes with figures that begin at the program's execution`() {
        var usage = Outcome.Usage()
        #expect(usage.processorTime == nil)
        usage.processes = ProcessUsage(userTime: 30, systemTime: 70, peakMemory: 4096)
        (usage.spentUser, usage.spentSystem, usage.spentMemory) = (10, 40, 4096)
        #expect(usage.processorTime == 50)
        #expect(usage.userTime == 20)
        #expect(usage.systemTime == 30)
        #expect(usage.largest == nil)
        usage.account = .init()
        usage.account?.usage.processorTime = 1050
        usage.account?.userTime = 510
        usage.account?.systemTime = 540
        #expect(usage.processorTime == 1000)
        #expect(usage.userTime == 500)
        #expect(outcome(.exited(0)).timings.running == 100)
        #expect(outcome(.exited(0)).timings.setup == 20)
    }
}
