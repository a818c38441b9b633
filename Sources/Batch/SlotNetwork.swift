internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// The network namespace of a slot, which its jobs use one after the other.
///
/// Nothing of a job stays in it: its sockets end with its processes, it has no rights over it and no
/// interface is up. Where a job has moved a counter the namespace is left for a new one.
final class SlotNetwork {
    /// What a job could count up, and the next one read: opened in the namespace.
    private var counters: [HeldDescriptor] = []
    /// What they read when it was new.
    private var counted: [[UInt8]] = []

    private static let names = ["snmp", "snmp6", "netstat", "sctp/snmp", "xfrm_stat", "dev"]

    /// Leaves the namespace that this process is in for a new one.
    func renew() throws(Failure) {
        try PreparedStart.separateNetwork()
        counters = []
        for name in SlotNetwork.names {
            let path = "/proc/self/net/\(name)"
            // A protocol that this kernel has not is nothing to count.
            if let file = try attempt(
                "open", on: path, try unlessMissing(try HostPath.open(path, .readOnly)))
            {
                counters.append(HeldDescriptor(file))
            }
        }
        counted = try count()
    }

    /// Between two jobs.
    func clean() throws(Failure) {
        if try count() != counted { try renew() }
    }

    private func count() throws(Failure) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for counter in counters {
            found.append(
                try attempt(
                    "read", "of the counters in /proc/self/net",
                    try counter.borrowed.readFromStart()))
        }
        return found
    }
}
