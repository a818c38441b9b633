internal import LinuxSystem
internal import SystemPackage

/// `vfs.landlock`
struct ConfineByLandlock: ContainerStep {
    static let manual = StepManual(
        "confine by Landlock",
        what: """
            From here on the Landlock rules hold for this process and all that it makes. No process \
            under them can mount anything, or trace a process outside.
            """,
        why: """
            After no_new_privs, which an unprivileged process needs for it, and after all mounts, \
            which it forbids. Before the filter, which need not allow it. Beside an init in the \
            program's process alone: the init is outside, where the program cannot reach it.
            """,
        calls: "landlock_restrict_self")

    let summary = "confine the program by the Landlock rules"
    var needs: Provisions { [.landlockRules] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let held = try context.landlockRules.given(.landlockRules)
        try attempt("landlock_restrict_self", try held.rules.restrict())
        context.landlockRules = nil
    }
}
