internal import Cgroups
internal import LinuxSystem

/// `exec` in a container with `linux.resources.pids`
struct MakeRoom: RuntimeStep {
    static let manual = StepManual(
        "make room for the process",
        what: """
            Where the container's control group has no room for two more processes, raises the limit by \
            what is missing, and holds the container's lock until the limit is what it was.
            """,
        why: """
            Only where the container limits its processes. The process that joins makes the container \
            process and ends. An engine's exec is to work in a container that has as many processes as \
            it may: with runc, too, it passes the limit.
            """,
        calls: "flock, read, write")

    let container: StoredContainer
    let controlGroup: ControlGroup

    let summary = "make room for the process in the control group"
    let undoing = "the limit is set again when the process has joined"

    func apply(_ context: RuntimeContext) throws(Failure) {
        try container.lock()
        context.hasLock = true
        context.raisedLimit = try controlGroup.makeRoom(for: 2)
        // Others are kept waiting only while the limit is not what it should be.
        if context.raisedLimit == nil {
            container.unlock()
            context.hasLock = false
        }
    }
}
