internal import LinuxSystem
internal import SystemPackage

/// The caller's `NOTIFY_SOCKET`. `start` listens for a container that waits for it.
struct PrepareReadiness: RuntimeStep {
    static let manual = StepManual(
        "prepare readiness",
        what: "Makes the socket on which the program reports that it is ready.",
        why: """
            While the host's paths are there: the socket is a file of the host that one of the \
            container's mounts shows.
            """,
        calls: "socket, bind")

    /// The caller's `NOTIFY_SOCKET`.
    let host: String
    let listens: Bool

    var summary: String { "pass on to \(host) that the program is ready" }
    let undoing = "the directory goes with the container"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        func listen() throws(Errno) {
            let directory = container.directory.borrowed
            try directory.makeDirectory(ReadinessSocket.directory, mode: 0o755)
            if !listens { return }
            let folder = try directory.open(ReadinessSocket.directory, [.readOnly, .directory])
            context.readiness = try ReadinessSocket(in: folder.borrowed, host: host)
        }
        try attempt("bind", on: ReadinessSocket.name, try listen())
    }
}
