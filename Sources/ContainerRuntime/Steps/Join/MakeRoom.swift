internal import Cgroups
internal import LinuxSystem

/// `exec` in a container with `linux.resources.pids`
struct MakeRoom: RuntimeStep {
    static let manual = StepManual(
        "make room for the process",
        what: """
            Where the container's control group has no room for two more processes, raises the limit by \
            two, until the process is one of the container's. A file beside the state has the limit that \
            counts: it is never raised further, and the next exec or update sets it where this one is \
            killed.
            """,
        why: """
            Only where the container limits its processes. The process that joins makes the container \
            process and ends. An engine's exec is to work in a container that has as many processes as \
            it may: with runc, too, it passes the limit.
            """,
        calls: "flock, openat, read, write")

    let container: StoredContainer
    let controlGroup: ControlGroup

    let summary = "make room for the process in the control group"
    let undoing = "the limit is set again when the process has joined"

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.room = try container.takeRoom(in: controlGroup)
    }
}
