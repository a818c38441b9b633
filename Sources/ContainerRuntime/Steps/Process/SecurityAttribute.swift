internal import LinuxSystem
internal import SystemPackage

/// Files of a process's own security attributes, reached through a procfs that no other process has
/// seen: what is written must not land in a file that the image has put there (CVE-2019-16884,
/// CVE-2019-19921, CVE-2025-52881).
enum SecurityAttribute {
    static func read(_ name: String, _ proc: HeldRoot) throws(Errno) -> [UInt8] {
        let file = try proc.directory.open("self/attr/\(name)", .readOnly)
        return try file.borrowed.readAll(limit: 65536)
    }

    static func write(_ name: String, _ value: String, _ proc: HeldRoot) throws(Errno) {
        let file = try proc.directory.open("self/attr/\(name)", .writeOnly)
        try file.borrowed.write(all: Array(value.utf8))
    }

    /// Sets the SELinux context that `attribute` stands for.
    static func writeLabel(
        _ label: String, _ attribute: String, _ context: ContainerContext
    ) throws(Failure) {
        let proc = try context.openPrivateProc()
        try attempt(
            "write", on: "/proc/self/attr/\(attribute)",
            advice: { error in
                switch error {
                case .invalidArgument: "the policy does not know this context"
                case .permissionDenied: "the policy does not let the runtime set it"
                default: nil
                }
            }, try write(attribute, label, proc))
    }
}
