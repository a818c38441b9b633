internal import LinuxSystem
internal import SystemPackage

/// `vfs.network` with `proxy`: the way in.
struct ListenForProxy: ContainerStep {
    static let manual = StepManual(
        "listen for connections to the proxy",
        what: """
            Listens at port 3128 of the container's loopback interface, and sends the socket to the \
            runtime process, which relays each connection to the proxy's socket on the host. The \
            container has no other way out of its network namespace.
            """,
        why: "In the network namespace, when its loopback interface is up. Before exec closes it.",
        calls: "socket, bind, listen, sendmsg")

    var summary: String { "listen at 127.0.0.1:\(NetworkProxy.port) for the proxy" }
    let undoing = "goes with the runtime process"
    var needs: Provisions { .channel }

    func apply(_ context: ContainerContext) throws(Failure) {
        let socket = try attempt(
            "listen", "at 127.0.0.1:\(NetworkProxy.port)",
            try Network.listenAtLoopback(NetworkProxy.port))
        let held = try context.channel.given(.channel)
        try attempt(
            "sendmsg", "the proxy's socket",
            try held.channel.send(InitMessage.proxy.encoded, passing: socket.borrowed))
    }
}
