// Carries out plans of a few steps, with nothing of a container, and prints their outcomes: for
// OutcomeTests. The tests' own process has threads, and a copy of it could wait for ever for a lock
// that one of them held.
//
//     outcome SCENARIO DIRECTORY
import Glibc
import JSON
import LinuxSystem
import SystemPackage

@testable import Cgroups
@testable import ContainerRuntime
@testable import Supervision

/// A step of the runtime process that does what the scenario wants.
struct Act: RuntimeStep {
    static let manual = StepManual("act", what: "Acts.", why: "Here.", calls: "none")
    let summary = "act"
    let body: @Sendable (RuntimeContext) throws(Failure) -> Void

    init(_ body: @escaping @Sendable (RuntimeContext) throws(Failure) -> Void) { self.body = body }

    func apply(_ context: RuntimeContext) throws(Failure) { try body(context) }
}

/// A plan that runs a command of the host's shell beside this process.
func plan(
    _ script: String, before: [Act] = [], between: [Act] = [], ending: [Act] = []
) throws -> Plan {
    var steps = PlannedSteps()
    for act in before { steps.add(act) }
    steps.add(QueueSignals(includesChildren: false))
    steps.add(CreateNamespaces(namespaces: []))
    for act in between { steps.add(act) }
    steps.add(ResetProcess())
    steps.add(
        program: Execute(
            arguments: ["/bin/sh", "-c", script], environment: ["PATH=/bin:/usr/bin"]))
    let end = steps.steps.count
    for act in ending { steps.add(act) }
    var plan = try Plan(steps, endingFrom: end, nil)
    plan.namesSteps = true
    return plan
}

let second: UInt64 = 1_000_000_000
let directory = CommandLine.arguments[2]
let waits = Act { (_) throws(Failure) in
    try attempt("poll", try Poll.pause(milliseconds: 600_000))
}
let ends = Act { _ in print("ended") }
/// The control group of a test, whose figures are files.
let enters = Act { context in
    context.handover.controlGroup = ControlGroup(paths: [("", CommandLine.arguments[2])])
}

/// Runs a plan and prints what came of it.
@discardableResult
func run(
    _ plan: Plan, until: Milestone = .ended, _ limits: Supervisor.Limits = .init()
) throws -> Outcome? {
    let supervisor = Supervisor(plan, until: until, limits: limits) { print("told: \($0)") }
    var outcome: Outcome
    do {
        outcome = try supervisor.run()
    } catch {
        print("failure: \(error.message)")
        return nil
    }
    do {
        try supervisor.finish(&outcome)
    } catch {
        print("failed finish: \(error.message)")
    }
    print("ending: \(outcome.ending)")
    for warning in outcome.warnings { print("warning: \(warning)") }
    return outcome
}

func deadline(_ nanoseconds: UInt64) -> Supervisor.Limits {
    var limits = Supervisor.Limits()
    limits.deadline = Clock.nanoseconds + nanoseconds
    return limits
}

func carryOut(_ scenario: String) throws {
    switch scenario {
    case "code":
        guard let outcome = try run(plan("exit 7")), let usage = outcome.usage.processes else {
            return
        }
        let times = outcome.timings
        print("measured: \(usage.peakMemory > 100_000 && usage.userTime + usage.systemTime > 0)")
        let points = [times.begun, times.made ?? 0, times.started ?? 0, times.ended]
        print("in order: \(points == points.sorted() && points[1] > 0)")
    case "signal": try run(plan("kill -TERM $$"))
    case "out of memory":
        var limits = Supervisor.Limits()
        limits.measures = true
        guard let outcome = try run(plan("kill -KILL $$", before: [enters]), limits),
            let usage = outcome.usage.controlGroup
        else { return }
        print("kills: \(outcome.outOfMemoryKills)")
        print("time: \(usage.processorTime ?? 0), memory: \(usage.peakMemory ?? 0)")
        print("processes: \(usage.peakProcesses ?? 0)")
    case "left": try run(plan("sleep 0.2"), until: .started)
    case "warning": try run(plan("exit 0", before: [Act { $0.warn("a limit does not hold") }]))
    case "deadline":
        try run(plan("echo $$ > \(directory)/pid; exec sleep 600"), deadline(second / 2))
    case "before the deadline": try run(plan("exit 3"), deadline(600 * second))
    case "deadline in a step":
        let listens = Act { (_) throws(Failure) in
            try attempt("signalfd", try Interruption.listen())
        }
        try run(plan("exit 0", before: [listens, waits], ending: [ends]), deadline(second / 5))
    case "deadline in a turn":
        try run(
            plan("exit 0", between: [waits], ending: [ends]), until: .started,
            deadline(second / 5))
    case "observer":
        var seen = 0
        var limits = Supervisor.Limits()
        limits.observer = UsageObserver(every: 20_000_000) { usage in
            seen += 1
            print("memory: \(usage.memory ?? 0)")
            return seen < 3 ? .goOn : .end
        }
        try run(plan("exec sleep 600", before: [enters]), limits)
    case "failure":
        let fails = Act { (_) throws(Failure) in throw Failure("there is no such thing") }
        try run(plan("exit 0", before: [fails], ending: [ends, ends]))
    case "failed ending":
        let fails = Act { (_) throws(Failure) in throw Failure("it stays") }
        try run(plan("exit 0", ending: [fails, ends, fails]))
    default: print("no such scenario")
    }
}

try carryOut(CommandLine.arguments[1])
