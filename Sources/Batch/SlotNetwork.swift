internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// The network namespace of a slot, which its jobs use one after the other.
///
/// Nothing of a job stays in it: its sockets end with its processes, it has no rights over it and no
/// interface is up. Where a job has moved a counter, or has taken a flow label, which the kernel keeps
/// for a minute after the socket, the namespace is left for a new one.
final class SlotNetwork {
    /// What a job could count up, and the next one read: opened in the namespace.
    private var counters: [HeldDescriptor] = []
    /// What they read when it was new.
    private var counted: [[UInt8]] = []
    /// Those of protocols that the kernel did not have then. It may load one for a job's socket.
    private var missing: [String] = []

    private static let paths = [
        "snmp", "snmp6", "netstat", "sctp/snmp", "xfrm_stat", "dev", "ip6_flowlabel",
    ].map { "/proc/self/net/\($0)" }

    /// Leaves the namespace that this process is in for a new one.
    func renew() throws(Failure) {
        try PreparedStart.separateNetwork()
        (counters, missing) = ([], [])
        for path in SlotNetwork.paths {
            if let file = try attempt(
                "open", on: path, try unlessMissing(try HostPath.open(path, .readOnly)))
            {
                counters.append(HeldDescriptor(file))
            } else {
                missing.append(path)
            }
        }
        counted = try count()
    }

    /// Between two jobs.
    func clean() throws(Failure) {
        if try count() != counted { return try renew() }
        if try hasMore() { try renew() }
    }

    /// Whether there is a counter that was missing.
    private func hasMore() throws(Failure) -> Bool {
        for path in missing {
            if try attempt("stat", on: path, try unlessMissing(try FileStatus.of(path: path)))
                != nil
            {
                return true
            }
        }
        return false
    }

    private func count() throws(Failure) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for counter in counters {
            found.append(
                try attempt(
                    "read", "of the counters in /proc/self/net",
                    try SlotNetwork.content(of: counter.borrowed)))
        }
        return found
    }

    /// In one read, where it fits.
    private static func content(of file: FileDescriptor) throws(Errno) -> [UInt8] {
        let room = 1 << 14
        let bytes = try file.readSome(room, at: 0)
        return bytes.count < room ? bytes : try file.readFromStart()
    }
}
