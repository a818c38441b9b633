internal import LinuxSystem
internal import SystemPackage

/// `process.capabilities`: effective, permitted, inheritable and ambient. Nothing is inheritable
/// by default: programs with file capabilities would gain by it (CVE-2022-29162).
struct SetCapabilities: ContainerStep {
    static let manual = StepManual(
        "set the capabilities",
        what: "The process keeps the capabilities of the config and loses all others.",
        why: "After the change of user, which clears them.",
        calls: "capset, prctl")

    let sets: CapabilitySets

    var summary: String {
        let ambient = sets.ambient.isEmpty ? "" : ", \(sets.ambient.count) of them ambient"
        return "keep \(sets.permitted.words)\(ambient)"
    }

    func shell(_ commands: inout ShellCommands) {
        commands.run(
            "set -- \"$@\" --inh-caps", .value(sets.inheritable.setprivWords), "--ambient-caps",
            .value(sets.ambient.setprivWords))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        // What the runtime itself does not have it cannot give: the container runs with less.
        context.grantedCapabilities = try attempt("capset", try sets.apply())
        // The change of credentials has cleared it.
        try TieToRuntime().apply(context)
    }
}
