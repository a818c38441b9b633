internal import LinuxSystem
internal import SystemPackage

/// `create` and `run --detach`, and `exec`, return while the container lives.
struct LetGo: ContainerStep {
    static let manual = StepManual(
        "outlive the runtime process",
        what: """
            Clears the parent-death signal: the container lives on without the runtime process.
            """,
        why: """
            Only for named containers and exec, after all that can fail, before the container is \
            recorded.
            """,
        calls: "prctl")

    let summary = "outlive the runtime process"

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("prctl", "PR_SET_PDEATHSIG", try CurrentProcess.setParentDeathSignal(0))
    }
}
