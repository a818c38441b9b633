internal import LinuxSystem

/// The host's procfs, where a pid namespace is joined.
struct OpenHostProc: RuntimeStep {
    static let manual = StepManual(
        "open the host's procfs",
        what: """
            Opens /proc of the host, in which the process that prepares the container writes \
            about itself. It is closed before the container process is made.
            """,
        why: """
            Only where a pid namespace is joined: the process that prepares the container has \
            no pid in it.
            """,
        calls: "openat, fstatfs")

    let summary = "open the host's procfs"

    func apply(_ context: RuntimeContext) throws(Failure) {
        _ = try context.openHostProc()
    }
}
