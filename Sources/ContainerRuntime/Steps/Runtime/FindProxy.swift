package import LinuxSystem
package import SystemPackage

/// `vfs.network` with `proxy`: the way out.
struct FindProxy: RuntimeStep {
    static let manual = StepManual(
        "find the proxy",
        what: """
            Opens the directory of the proxy's socket, and verifies that the socket is there. The \
            runtime process connects to it with the caller's rights, once for each connection of the \
            container.
            """,
        why: "Before the init process is made, which has no copy of the descriptor.",
        calls: "openat, newfstatat")

    let path: String

    var summary: String { "relay connections to the proxy at \(path)" }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let (folder, name) = HostPath.split(path)
        guard let name else { throw Failure("\(path.inQuotes) names no socket") }
        let directory = try attempt(
            "open", on: folder, try HostPath.open(folder, [.path, .directory]))
        let status = try attempt(
            "stat", on: path,
            advice: { $0 == .noSuchFileOrDirectory ? "start the proxy before the container" : nil },
            try FileStatus.of(name.text, in: directory.borrowed))
        if status.kind != .socket {
            throw Failure("\(path.inQuotes) is no socket; name the Unix socket of a proxy")
        }
        context.proxy = ProxyPlace(HeldDescriptor(directory), name: name.text)
    }
}

/// A proxy's socket on the host.
package final class ProxyPlace {
    private let directory: HeldDescriptor
    private let name: String

    init(_ directory: HeldDescriptor, name: String) {
        self.directory = directory
        self.name = name
    }

    /// - Throws: `Errno.resourceTemporarilyUnavailable` where as many as it takes are waiting.
    package func connect() throws(Errno) -> OwnedDescriptor {
        try directory.borrowed.connectSocket(name)
    }
}
