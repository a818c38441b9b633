internal import LinuxSystem
internal import SystemPackage

/// The interface `lo` of a new network namespace.
struct BringLoopbackUp: ContainerStep {
    static let manual = StepManual(
        "bring the loopback interface up",
        what: """
            Sets the flag IFF_UP of the interface lo, which a new network namespace has, but \
            down.
            """,
        why: "Any time in that namespace, while the init process has CAP_NET_ADMIN.",
        calls: "socket, ioctl")

    let summary = "bring the loopback interface up"

    func shell(_ commands: inout ShellCommands) {
        commands.run("ip link set lo up")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("ioctl", "SIOCSIFFLAGS lo", try Network.bringLoopbackUp())
    }
}
