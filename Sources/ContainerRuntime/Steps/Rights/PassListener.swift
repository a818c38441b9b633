internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// `linux.seccomp.listenerPath`
struct PassListener: TurnStep {
    static let manual = StepManual(
        "pass the listener",
        what: """
            The runtime process takes the descriptor of the filter's notifications and sends it \
            to the seccomp agent.
            """,
        why: """
            Only where the profile notifies, directly after the filter. In between the init \
            process makes one call, write: no agent can answer a notification yet.
            """,
        calls: "pidfd_getfd, socket, connect, sendmsg")

    let path: String
    let metadata: String?
    /// Of the container; its pid is known when this is carried out, but for one that is joined.
    let state: ContainerState
    let status: ContainerStatus

    var summary: String { "send the seccomp listener to \(path)" }
    var needs: Provisions { [.listener] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let listener = try context.listener.given(.listener)
        context.listener = nil
        let text = document(pid: process.pid).compactText
        do throws(Failure) {
            let socket = try attempt("connect", on: path, try HostPath.connect(path))
            try attempt(
                "sendmsg", on: path,
                try socket.borrowed.send(Array(text.utf8), passing: listener.borrowed))
        } catch {
            throw Failure(
                "failed to connect with seccomp agent specified in the seccomp profile: \(error)")
        }
    }

    /// The container process state of the specification.
    private func document(pid: Int32) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", .string(state.ociVersion)), ("fds", .array([.string("seccompFd")])),
            ("pid", .integer(Int64(pid))),
        ]
        if let metadata { members.append(("metadata", .string(metadata))) }
        members.append(("state", state.document(status, pid: state.process?.pid ?? pid)))
        return .object(members)
    }
}
