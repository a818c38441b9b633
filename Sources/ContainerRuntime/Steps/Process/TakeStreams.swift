internal import LinuxSystem
internal import SystemPackage

/// The pipes of `RelayStreams`.
struct TakeStreams: ContainerStep {
    static let manual = StepManual(
        "take the relayed streams",
        what: "The pipes whose bytes the runtime process carries become the standard streams.",
        why: """
            Only where streams are relayed. After the session is started, before the other descriptors \
            are closed.
            """,
        calls: "dup2")

    let summary = "take the relayed standard streams"

    func apply(_ context: ContainerContext) throws(Failure) {
        for pipe in context.handover.pipes {
            try attempt("dup2", pipe.stream.name, try pipe.becomeStream())
        }
    }
}
