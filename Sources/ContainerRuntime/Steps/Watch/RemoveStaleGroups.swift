internal import Cgroups
internal import LinuxSystem

/// Control groups of runtime processes that were killed together with their watchdogs.
struct RemoveStaleGroups: RuntimeStep {
    static let manual = StepManual(
        "remove stale control groups",
        what: """
            Removes control groups beside the container's whose names have the number of a runtime \
            process that is gone.
            """,
        why: "While the program runs: it has time until then, and costs nothing.",
        calls: "openat, getdents64, rmdir")

    let summary = "remove control groups that killed runtime processes have left"
    let undoing = "nothing: they belonged to no run"

    func apply(_ context: RuntimeContext) throws(Failure) {
        if context.prepared?.hasSwept == true { return }
        context.prepared?.hasSwept = true
        context.handover.controlGroup?.removeLeftovers(MakeControlGroup.prefix)
    }
}
