internal import LinuxSystem
internal import SystemPackage

/// `process.selinuxLabel`, for the session's keyring; exec forgets it.
struct LabelKeyring: ContainerStep {
    static let manual = StepManual(
        "label the keyring",
        what: """
            Sets the SELinux context of keys that the process makes. With the runtime's own label \
            the program could not use its keyring.
            """,
        why: """
            Before the keyring is made. Written through the runtime's own procfs \
            (CVE-2019-16884).
            """,
        calls: "openat2, write")

    let label: String

    var summary: String { "label the keyring \(label)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        try SecurityAttribute.writeLabel(label, "keycreate", context)
    }
}
