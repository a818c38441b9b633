internal import LinuxSystem
internal import SystemPackage

/// `linux.sysctl`
struct SetSystemControl: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "set a sysctl",
            what: "Writes a kernel parameter of the container's namespaces.",
            why: """
                Any time in the namespaces. Written through a procfs of the runtime's own that \
                nothing can be mounted over (CVE-2025-52881).
                """,
            calls: "openat2, write")
    }

    /// Below `/proc/sys`.
    let path: String
    let value: String

    var summary: String { "set the sysctl \(path) to \(value)" }

    func apply(_ context: ContainerContext) throws(StepError) {
        // In a user namespace it may be set, but not this way.
        if path == "kernel/hostname" { return try SetHostName(name: value).apply(context) }
        if path == "kernel/domainname" { return try SetDomainName(name: value).apply(context) }
        let proc = try context.openPrivateProc()
        try stepping(
            "write", "/proc/sys/\(path)".inQuotes,
            advice: { error in
                switch error {
                case .noSuchFileOrDirectory: "this kernel does not have it"
                case .invalidArgument: "the kernel does not take this value"
                default: nil
                }
            }
        ) { () throws(Errno) in
            let file = try proc.directory.open("sys/\(path)", .writeOnly, links: .refuse)
            try file.borrowed.write(all: Array(value.utf8))
        }
    }
}
