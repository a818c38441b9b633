internal import LinuxSystem
internal import SystemPackage

/// `linux.netDevices`
struct MoveNetworkDevice: TurnStep {
    static let manual = StepManual(
        "move a network device",
        what: """
            Moves a device into the container's network namespace, restores its addresses, which \
            the kernel removes on the way, and brings it up.
            """,
        why: """
            By the runtime process, in whose network namespace the device is, after the \
            container's namespace is there.
            """,
        calls: "socket, sendmsg, recvmsg, setns")

    let name: String
    /// Its name in the container.
    let newName: String

    var summary: String {
        "move the network device \(name) into the container"
            + (newName == name ? "" : " as \(newName)")
    }
    let undoing = "hardware comes back when its namespace goes, a virtual device goes with it"

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        do throws(Failure) {
            try move(to: process.pid)
        } catch {
            let advice: String? =
                switch error.errno {
                case .operationNotSupportedByDevice: "the host has no device of this name"
                case .fileExists: "the container has a device \(newName.inQuotes) already"
                case .invalidArgument: "the kernel does not let this device change its namespace"
                default: nil
                }
            var failure = error
            failure.advice = advice
            throw failure
        }
    }

    private func move(to pid: Int32) throws(Failure) {
        let path = "/proc/\(pid)/ns/net"
        let namespace = try attempt("open", on: path, try HostPath.open(path, .readOnly))
        let here = try attempt("socket", "NETLINK_ROUTE", try RouteSocket())
        let index = try attempt("RTM_GETLINK", on: name, try here.index(of: name))
        // First: they go with the move.
        let addresses = try attempt("RTM_GETADDR", on: name, try here.addresses(of: index))
        let there = try attempt("setns", on: path, try RouteSocket(in: namespace.borrowed))
        // Asked before: the kernel would move it first and then fail to name it.
        if (try? there.index(of: newName)) != nil {
            throw Failure("RTM_NEWLINK", newName.inQuotes, .fileExists)
        }
        // The kernel takes it down for this, once nothing can fail any more.
        try attempt(
            "RTM_NEWLINK", on: name, try here.move(index, to: namespace.borrowed, as: newName))
        let newIndex = try attempt("RTM_GETLINK", on: newName, try there.index(of: newName))
        for address in addresses {
            try attempt("RTM_NEWADDR", on: newName, try there.add(address, to: newIndex))
        }
        try attempt("RTM_NEWLINK", on: newName, try there.bringUp(newIndex))
    }
}
