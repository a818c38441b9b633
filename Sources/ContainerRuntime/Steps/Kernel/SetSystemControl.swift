internal import LinuxSystem
internal import SystemPackage

/// `linux.sysctl`
struct SetSystemControl: ContainerStep {
    static let manual = StepManual(
        "set a sysctl",
        what: "Writes a kernel parameter of the container's namespaces.",
        why: """
            Any time in the namespaces. Written through a procfs of the runtime's own that \
            nothing can be mounted over (CVE-2025-52881).
            """,
        calls: "openat2, write")

    /// Below `/proc/sys`.
    let path: String
    let value: String

    var summary: String { "set the sysctl \(path) to \(value)" }

    func shell(_ commands: inout ShellCommands) {
        commands.run("printf %s", .value(value), ">", .value("/proc/sys/\(path)"))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        // In a user namespace it may be set, but not this way.
        if path == "kernel/hostname" { return try SetHostName(name: value).apply(context) }
        if path == "kernel/domainname" { return try SetDomainName(name: value).apply(context) }
        let proc = try context.openPrivateProc()
        let name = "/proc/sys/\(path)"
        let file = try attempt(
            "openat2", on: name,
            advice: { $0 == .noSuchFileOrDirectory ? "this kernel does not have it" : nil },
            try proc.directory.open("sys/\(path)", .writeOnly, links: .refuse))
        try attempt(
            "write", on: name,
            advice: { $0 == .invalidArgument ? "the kernel does not take this value" : nil },
            try file.borrowed.write(all: Array(value.utf8)))
    }
}
