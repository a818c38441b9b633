internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The process is one of the container's: the limit is what it was.
struct TakeRoomBack: RuntimeStep {
    static let manual = StepManual(
        "set the limit of processes again",
        what: "Sets the limit of the control group to what it was, and unlocks the container.",
        why: """
            After the process that made the container process has ended, before the program runs. Also \
            when exec has failed.
            """,
        calls: "write, flock")

    let container: StoredContainer
    let controlGroup: ControlGroup

    let summary = "set the limit of processes in the control group to what it was"

    func apply(_ context: RuntimeContext) throws(Failure) {
        defer {
            if context.hasLock { container.unlock() }
            context.hasLock = false
        }
        guard let limit = context.raisedLimit else { return }
        context.raisedLimit = nil
        do throws(Failure) {
            try controlGroup.restore(limit)
        } catch
            where error.errno == .noSuchFileOrDirectory
            || error.errno == .operationNotSupportedByDevice
        {
            // The container has ended meanwhile.
        }
    }
}
