internal import LinuxSystem
internal import SystemPackage

/// `process.selinuxLabel`, `linux.mountLabel`
struct RequireSELinux: RuntimeStep {
    static let manual = StepManual(
        "require SELinux",
        what: "Reads whether SELinux is enabled.",
        why: """
            Only where the config asks for a label. Without SELinux the label would confine \
            nothing, so the start fails before anything is made.
            """,
        calls: "openat2")

    let summary = "check that SELinux is enabled"

    func apply(_ context: RuntimeContext) throws(Failure) {
        let found = try attempt(
            "read", on: "/proc/filesystems", try HostPath.read("/proc/filesystems"))
        if !RequireSELinux.isEnabled(found) {
            throw Failure(
                "SELinux is not enabled in this kernel; boot it with selinux=1 and lsm=…,selinux,"
                    + " or remove process.selinuxLabel and linux.mountLabel")
        }
    }

    /// SELinux makes its file system known when it starts, and only then.
    static func isEnabled(_ fileSystems: [UInt8]) -> Bool {
        fileSystems.split(separator: UInt8(ascii: "\n")).contains {
            $0.split(separator: UInt8(ascii: "\t")).last?.elementsEqual("selinuxfs".utf8) == true
        }
    }
}
