internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The lock on the upper ends with the runtime process; the container goes on without it.
struct HoldUpper: TurnStep {
    static let manual = StepManual(
        "record the user of the upper",
        what: """
            Writes the pid and the start time of the init process into a file beside the upper, \
            where another run that wants the upper finds them.
            """,
        why: """
            Before the container is recorded, and before the runtime process ends, whose lock it \
            stands in for.
            """,
        calls: "openat, write, rename")

    /// Holds `upper` and `work`.
    let directory: String

    var summary: String { "record the init process that uses the upper in \(directory)" }
    let undoing = "means nothing when the container has ended"
    var needs: Provisions { [.keptUpper] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let upper = try (context.keptUppers?[directory]).given(.keptUpper)
        let identity = try attempt(
            "open", "/proc/\(process.pid)/stat", try ProcessIdentity(of: process.pid))
        try upper.write(user: identity)
    }
}
