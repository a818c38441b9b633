import Glibc
import JSON
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups
@testable import ContainerRuntime
@testable import Supervision

/// A step of the runtime process that does what the test wants.
private struct Act: RuntimeStep {
    static let manual = StepManual("act", what: "Acts.", why: "Here.", calls: "none")
    let summary = "act"
    let body: @Sendable (RuntimeContext) throws(Failure) -> Void

    init(_ body: @escaping @Sendable (RuntimeContext) throws(Failure) -> Void) { self.body = body }

    func apply(_ context: RuntimeContext) throws(Failure) { try body(context) }
}

/// Counts how often the steps that follow the end were taken.
private final class Ended: @unchecked Sendable {
    private(set) var count = 0
    var step: Act { Act { _ in self.count += 1 } }
}

/// A plan that runs a command of the host's shell beside this process, with nothing of a container.
private func plan(
    _ script: String, before: [Act] = [], between: [Act] = [], ending: [Act] = []
) throws -> Plan {
    var steps = PlannedSteps()
    for act in before { steps.add(act) }
    steps.add(QueueSignals(includesChildren: false))
    steps.add(CreateNamespaces(namespaces: []))
    for act in between { steps.add(act) }
    steps.add(
        program: Execute(
            arguments: ["/bin/sh", "-c", script], environment: ["PATH=/bin:/usr/bin"]))
    let end = steps.steps.count
    for act in ending { steps.add(act) }
    var plan = try Plan(steps, endingFrom: end, nil)
    plan.namesSteps = true
    return plan
}

/// Figures of version 2 as files.
private func group(_ directory: TemporaryDirectory, kills: Int = 0) throws -> ControlGroup {
    try directory.file("cpu.stat", "usage_usec 1500\nuser_usec 1000\n")
    try directory.file("memory.current", "4096\n")
    try directory.file("memory.peak", "8192\n")
    try directory.file("memory.events", "low 0\nmax 0\noom_kill \(kills)\n")
    try directory.file("pids.current", "2\n")
    try directory.file("pids.peak", "3\n")
    return ControlGroup(paths: [("", directory.path)])
}

private let second: UInt64 = 1_000_000_000

/// One at a time: signals and their deadline are the process's.
@Suite(.serialized) struct `The outcome of a run` {
    private func run(
        _ plan: Plan, until: Milestone = .ended, _ limits: Supervisor.Limits = .init(),
        warn: @escaping (String) -> Void = { _ in }
    ) throws -> Outcome {
        let supervisor = Supervisor(plan, until: until, limits: limits, warn: warn)
        let outcome = try supervisor.run()
        try supervisor.finish()
        return outcome
    }

    @Test func `says the exit code, what was used and when`() throws {
        let outcome = try run(plan("exit 7"))
        #expect(outcome.ending == .exited(7))
        let usage = try #require(outcome.usage.processes)
        #expect(usage.peakMemory > 100_000 && usage.userTime + usage.systemTime > 0)
        #expect(outcome.usage.controlGroup == nil)
        #expect(outcome.outOfMemoryKills == 0 && outcome.warnings.isEmpty)
        let times = outcome.timings
        let made = try #require(times.made)
        let started = try #require(times.started)
        #expect(times.begun <= made && made <= started && started <= times.ended)
    }

    @Test func `tells a signal from a code`() throws {
        #expect(try run(plan("kill -TERM $$")).ending == .signaled(SIGTERM))
        #expect(try run(plan("exit 143")).ending == .exited(143))
    }

    @Test func `is out of memory where the kernel has killed for want of it`() throws {
        let directory = try TemporaryDirectory()
        let group = try group(directory, kills: 2)
        let enter = Act { $0.handover.controlGroup = group }
        var told: [String] = []
        var limits = Supervisor.Limits()
        limits.measures = true
        let outcome = try run(plan("kill -KILL $$", before: [enter]), limits) { told.append($0) }
        #expect(outcome.ending == .outOfMemory)
        #expect(outcome.outOfMemoryKills == 2)
        #expect(outcome.warnings.count == 1 && outcome.warnings == told)
        #expect(outcome.warnings[0].hasPrefix("the kernel killed the program"))
        #expect(
            outcome.usage.controlGroup
                == {
                    var usage = ControlGroup.Usage()
                    usage.processorTime = 1_500_000
                    (usage.memory, usage.peakMemory) = (4096, 8192)
                    (usage.processes, usage.peakProcesses) = (2, 3)
                    usage.outOfMemoryKills = 2
                    return usage
                }())
    }

    @Test func `is left where the program runs and is not waited for`() throws {
        let outcome = try run(plan("sleep 0.2"), until: .started)
        #expect(outcome.ending == .left)
        #expect(outcome.usage.processes == nil && outcome.timings.started != nil)
    }

    @Test func `has the warnings of the steps, which were told at once`() throws {
        var told: [String] = []
        let warns = Act { $0.warn("a limit does not hold") }
        let outcome = try run(plan("exit 0", before: [warns])) { told.append($0) }
        #expect(outcome.warnings == ["a limit does not hold"] && told == outcome.warnings)
    }

    @Test func `is timed out at the deadline, and the program is dead`() throws {
        let directory = try TemporaryDirectory()
        var limits = Supervisor.Limits()
        limits.deadline = Clock.nanoseconds + second / 2
        let outcome = try run(plan("echo $$ > \(directory["pid"]); exec sleep 600"), limits)
        #expect(outcome.ending == .timedOut)
        #expect(outcome.timings.ended >= limits.deadline ?? .max)
        #expect(outcome.timings.ended - outcome.timings.begun < 10 * second)
        let text = String(decoding: try HostPath.read(directory["pid"]), as: UTF8.self)
        let pid = try #require(Int32(text.dropLast()))
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    @Test func `keeps its code where the program ends before the deadline`() throws {
        var limits = Supervisor.Limits()
        limits.deadline = Clock.nanoseconds + 600 * second
        #expect(try run(plan("exit 3"), limits).ending == .exited(3))
    }

    @Test func `is timed out in a step too, and what follows the end is done`() throws {
        let ended = Ended()
        let waits = Act { (_) throws(Failure) in
            try attempt("poll", try Poll.pause(milliseconds: 600_000))
        }
        var limits = Supervisor.Limits()
        limits.deadline = Clock.nanoseconds + second / 5
        let signals = Act { (_) throws(Failure) in
            try attempt("signalfd", try Interruption.listen())
        }
        let outcome = try run(
            plan("exit 0", before: [signals, waits], ending: [ended.step]), limits)
        #expect(outcome.ending == .timedOut)
        #expect(outcome.timings.made == nil && outcome.timings.started == nil)
        #expect(ended.count == 1)
    }

    @Test func `is timed out where a detached start takes too long, and nothing is left`() throws {
        let ended = Ended()
        // A turn, between the init process and its program.
        let waits = Act { (_) throws(Failure) in
            try attempt("poll", try Poll.pause(milliseconds: 600_000))
        }
        let plan = try plan("exit 0", between: [waits], ending: [ended.step])
        var limits = Supervisor.Limits()
        limits.deadline = Clock.nanoseconds + second / 5
        #expect(try run(plan, until: .started, limits).ending == .timedOut)
        #expect(ended.count == 1)
    }

    @Test func `is stopped where the observer of the usage asks for it`() throws {
        let directory = try TemporaryDirectory()
        let group = try group(directory)
        let enter = Act { $0.handover.controlGroup = group }
        var seen: [UInt64?] = []
        var limits = Supervisor.Limits()
        limits.observer = UsageObserver(every: 20_000_000) { usage in
            seen.append(usage.memory)
            return seen.count < 3 ? .goOn : .end
        }
        let begun = Clock.nanoseconds
        let outcome = try run(plan("exec sleep 600", before: [enter]), limits)
        #expect(outcome.ending == .stopped)
        #expect(seen == [4096, 4096, 4096])
        #expect(Clock.nanoseconds - begun >= 60_000_000)
    }
}

@Suite(.serialized) struct `A failed start` {
    @Test func `is an error, and what follows the end is done before it is thrown`() throws {
        let ended = Ended()
        let fails = Act { (_) throws(Failure) in throw Failure("there is no such thing") }
        let plan = try plan("exit 0", before: [fails], ending: [ended.step, ended.step])
        let supervisor = Supervisor(plan) { _ in }
        let error = #expect(throws: Failure.self) { try supervisor.run() }
        #expect(error?.message == "act: there is no such thing")
        #expect(ended.count == 2)
    }

    @Test func `takes every step that follows, and tells of each that fails`() throws {
        let ended = Ended()
        let fails = Act { (_) throws(Failure) in throw Failure("it stays") }
        var told: [String] = []
        let plan = try plan("exit 0", ending: [fails, ended.step, fails])
        let supervisor = Supervisor(plan) { told.append($0) }
        #expect(try supervisor.run().ending == .exited(0))
        let error = #expect(throws: Failure.self) { try supervisor.finish() }
        #expect(error?.message == "it stays" && told == ["it stays"])
        #expect(ended.count == 1)
    }
}
