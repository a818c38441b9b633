internal import LinuxSystem
internal import SystemPackage

/// `process.capabilities.bounding`
struct DropBoundingSet: ContainerStep {
    static let manual = StepManual(
        "drop from the bounding set",
        what: """
            Takes capabilities out of the bounding set for good: no program that is executed \
            later gets them back.
            """,
        why: "Before the capabilities are set: taking them out takes CAP_SETPCAP.",
        calls: "prctl")

    let sets: CapabilitySets

    var summary: String { "keep \(sets.bounding.words) in the bounding set" }

    func shell(_ commands: inout ShellCommands) {
        commands.run("set -- \"$@\" --bounding-set", .value(sets.bounding.setprivWords))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("prctl", "PR_CAPBSET_DROP", try sets.applyBounding())
    }
}
