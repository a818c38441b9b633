internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `linux.personality`
struct SetPersonality: ContainerStep {
    static let manual = StepManual(
        "set the personality",
        what: "Sets which machine uname(2) reports.",
        why: """
            Late, since the runtime's own calls would be affected. Before the filter, which may \
            not allow it.
            """,
        calls: "personality")

    let domain: Spec.Linux.Personality.Domain

    var summary: String { "set the personality \(domain.rawValue)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        // PER_LINUX32 is 8.
        try attempt(
            "personality", domain.rawValue,
            try CurrentProcess.setPersonality(domain == .linux32 ? 8 : 0))
    }
}
