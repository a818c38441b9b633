internal import LinuxSystem

/// `--trace FILE.html`: the runtime process looks at the init process before each of its steps.
///
/// A turn that the init process waits for, as `--stop-at` has it. Nothing else is in the plan of a
/// start that is not observed.
struct Observe: RuntimeStep {
    static let manual = StepManual(
        "look",
        what: "The runtime process reads in procfs what the init process is like now.",
        why: "Before each step, where --trace asks for a page.",
        calls: "openat, read, readlinkat")

    /// The step that is next, by its place in the plan without these.
    let next: Int

    var summary: String { "look before step \(next + 1)" }

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.views?.look(at: context.initProcess?.pid ?? CurrentProcess.pid, before: next)
    }
}

/// What was seen before the steps of one start.
final class ProcessViews {
    private var views: [Int: ProcessView] = [:]

    func look(at pid: Int32, before step: Int) {
        views[step] = ProcessView(of: pid)
    }

    /// What a step has changed; nil where no one has looked before and behind it.
    func changes(of step: Int, planned: [PlanChanges.Change]) -> [PlanChanges.Change]? {
        guard let before = views[step], let after = views[step + 1] else { return nil }
        return after.changes(since: before) + planned.filter(\.isHidden)
    }
}

extension PlanChanges.Change {
    /// Whether procfs tells nothing of it: what is in a namespace, and where the root of that of mounts is.
    var isHidden: Bool { what == "host name" || what == "the root" }
}

extension Plan {
    /// With a look at the init process before each of its steps, and before the one that makes it. Behind
    /// the step that installs the filter there is none: the turn would take calls that it may refuse.
    public var observed: Plan {
        var observed = self
        let entry = self.entry
        guard steps.indices.contains(entry) else { return self }
        let filter = steps.firstIndex { $0.step is InstallSeccomp } ?? firstAfterStart - 1
        for index in (entry..<min(filter + 1, firstAfterStart)).reversed() {
            observed.steps.insert(
                PlannedStep(kind: .runtime(Observe(next: index)), origin: .argument("--trace")),
                at: index)
        }
        return observed
    }
}
