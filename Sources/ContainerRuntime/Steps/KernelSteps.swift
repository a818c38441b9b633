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

/// `process.oomScoreAdj`, through the runtime's own procfs, or by the runtime process.
struct SetOutOfMemoryScore: Step {
    let score: Int
    var side = Side.container
    /// Whether it is an error where it cannot be set; it confines nothing.
    var isRequired = true

    var summary: String { "set the out-of-memory score to \(score)" }

    func apply(_ context: StartContext) throws(StepError) {
        if side == .container {
            let proc = try context.openPrivateProc()
            return try set { () throws(Errno) in
                try proc.directory.open("self/oom_score_adj", .writeOnly)
            }
        }
        guard let process = context.initProcess else {
            throw StepError("the plan has no process at this point")
        }
        try set { () throws(Errno) in
            try HostPath.open("/proc/\(process.pid)/oom_score_adj", .writeOnly)
        }
    }

    private func set(_ open: () throws(Errno) -> OwnedDescriptor) throws(StepError) {
        try stepping(
            "write", "\"oom_score_adj\"",
            advice: {
                $0 == .permissionDenied || $0 == .notPermitted
                    ? "lowering it takes CAP_SYS_RESOURCE" : nil
            }
        ) { () throws(Errno) in
            do throws(Errno) {
                let file = try open()
                try file.borrowed.write(all: Array(String(score).utf8))
            } catch .permissionDenied where !isRequired {
            }
        }
    }
}
