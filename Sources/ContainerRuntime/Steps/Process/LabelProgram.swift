internal import LinuxSystem
internal import SystemPackage

/// `process.selinuxLabel`
struct LabelProgram: ContainerStep {
    static let manual = StepManual(
        "label the program",
        what: "Sets the SELinux context that the program has from exec on.",
        why: """
            Before the change of user: the file belongs to root. Written through the runtime's \
            own procfs (CVE-2019-16884).
            """,
        calls: "openat2, write")

    let label: String

    var summary: String { "label the program \(label)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        try SecurityAttribute.writeLabel(label, "exec", context)
    }
}
