internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Last before exec, or as late as the privileges allow: from here on every system call goes
/// through the filter.
struct InstallSeccomp: Step {
    let side = Side.container
    let summary = "install the seccomp filter"

    func apply(_ context: StartContext) throws(StepError) {
        guard let filter = context.seccompFilter else {
            throw StepError("the plan has not prepared a seccomp filter")
        }
        let listener = try stepping("seccomp", "SECCOMP_SET_MODE_FILTER") { () throws(Errno) in
            try filter.install()
        }
        guard let listener else { return }
        // Every call may now wait for an answer, and nobody is there yet who could give it: all
        // that follows until somebody listens is one write(2), which no profile may notify of. So
        // the runtime gets a number and fetches the descriptor itself.
        let message = InitMessage.listener(descriptor: listener.borrowed.rawValue)
        // Not closed before exec does: close(2) might be one of those calls.
        context.listener = HeldDescriptor(listener)
        guard let channel = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        try stepping("write", "to the runtime process") { () throws(Errno) in
            try channel.channel.borrowed.write(all: message.encoded)
        }
    }
}

/// Whoever listens at the profile's `listenerPath` gets the listener, before the process makes one
/// more call: behind the filter's installation at once.
struct PassListener: Step {
    let path: String
    let metadata: String?
    /// Of the container; its pid is known when this is carried out, but for one that is joined.
    let state: ContainerState
    let status: ContainerStatus

    let side = Side.runtime
    var summary: String { "send the seccomp listener to \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        guard let listener = context.listener, let process = context.initProcess else {
            throw StepError("the plan has no seccomp listener at this point")
        }
        context.listener = nil
        let text = document(pid: process.pid).compactText
        do throws(SystemCallError) {
            let socket = try attempt("connect", path.inQuotes) { () throws(Errno) in
                try HostPath.connect(path)
            }
            try attempt("sendmsg", path.inQuotes) { () throws(Errno) in
                try socket.borrowed.send(Array(text.utf8), passing: listener.borrowed)
            }
        } catch {
            throw StepError(
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
