internal import LinuxSystem
internal import SystemPackage

/// What the container leaves behind becomes the runtime's, which waits for it and can end it.
struct AdoptOrphans: RuntimeStep {
    static let manual = StepManual(
        "adopt orphans",
        what: """
            Processes whose parent ends become children of the nearest ancestor that asks for it: \
            of the runtime process, from here on.
            """,
        why: "Before the init process is there: one that it leaves behind earlier would be lost.",
        calls: "prctl")

    let summary = "adopt the processes that the container leaves behind"

    func apply(_ context: RuntimeContext) throws(Failure) {
        try attempt("prctl", "PR_SET_CHILD_SUBREAPER", try CurrentProcess.adoptOrphans())
    }
}
