internal import LinuxSystem
internal import SystemPackage

/// `process.apparmorProfile`
struct SetAppArmorProfile: ContainerStep {
    static let manual = StepManual(
        "set the AppArmor profile",
        what: "Sets the AppArmor profile that confines the program from exec on.",
        why: """
            Before the change of user: the file belongs to root. Before no_new_privs, as in other \
            runtimes. Written through the runtime's own procfs (CVE-2019-16884).
            """,
        calls: "openat2, read, write")

    let profile: String

    var summary: String { "confine the program by the AppArmor profile \(profile)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        let proc = try context.openPrivateProc()
        guard isEnabled(proc) else {
            // There is nothing to be confined by, as asked.
            if profile == "unconfined" { return }
            throw Failure(
                "AppArmor is not enabled in this kernel; boot it with apparmor=1 and lsm=…,apparmor,"
                    + " or remove process.apparmorProfile")
        }
        // Since Linux 5.8 AppArmor has a directory of its own; the file beside it belongs to
        // whichever module came first.
        try attempt(
            "write", on: "/proc/self/attr/apparmor/exec",
            advice: { error in
                switch error {
                case .noSuchFileOrDirectory:
                    "the profile is not loaded; apparmor_parser loads it"
                case .permissionDenied:
                    "the runtime is confined itself, and its profile does not let it change to"
                        + " this one"
                default: nil
                }
            }, try SecurityAttribute.write("apparmor/exec", "exec \(profile)", proc))
    }

    /// Without the module there is no such file, and a module that is off does not answer.
    private func isEnabled(_ proc: HeldRoot) -> Bool {
        (try? SecurityAttribute.read("apparmor/current", proc)) != nil
    }
}
