internal import LinuxSystem
internal import SystemPackage

/// `hostname`, in the uts namespace.
struct SetHostName: Step {
    let name: String

    let side = Side.container
    var summary: String { "set the host name \(name)" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("sethostname", name.inQuotes) { () throws(Errno) in
            try CurrentProcess.setHostName(name)
        }
    }
}

/// `domainname`, in the uts namespace.
struct SetDomainName: Step {
    let name: String

    let side = Side.container
    var summary: String { "set the domain name \(name)" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("setdomainname", name.inQuotes) { () throws(Errno) in
            try CurrentProcess.setDomainName(name)
        }
    }
}

/// In a new network namespace the loopback interface is there, but down.
struct BringLoopbackUp: Step {
    let side = Side.container
    let summary = "bring the loopback interface up"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("ioctl", "SIOCSIFFLAGS lo") { () throws(Errno) in
            try Network.bringLoopbackUp()
        }
    }
}

/// `linux.sysctl`: written through a procfs of our own, since `/proc/sys` of the container may be
/// read-only by now, or something else (CVE-2025-52881).
struct SetSystemControl: Step {
    /// Below `/proc/sys`.
    let path: String
    let value: String

    let side = Side.container
    var summary: String { "set the sysctl \(path) to \(value)" }

    func apply(_ context: StartContext) throws(StepError) {
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
