internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `linux.personality`
struct SetPersonality: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "set the personality",
            what: "Sets which machine uname(2) reports.",
            why: """
                Late, since the runtime's own calls would be affected. Before the filter, which \
                may not allow it.
                """,
            calls: "personality")
    }

    let domain: Spec.Linux.Personality.Domain

    var summary: String { "set the personality \(domain.rawValue)" }

    func apply(_ context: ContainerContext) throws(StepError) {
        try stepping("personality", domain.rawValue) { () throws(Errno) in
            // PER_LINUX32 is 8.
            try CurrentProcess.setPersonality(domain == .linux32 ? 8 : 0)
        }
    }
}
