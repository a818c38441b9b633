internal import LinuxSystem
internal import SystemPackage

/// A directory among the standard streams would be a way to the host's files: the program gets from
/// `/proc/self/fd/0/..` to all of them. So would a handle (`O_PATH`) on anything.
struct RequireStreams: Step {
    let side = Side.runtime
    let summary = "refuse directories and handles as standard streams"
    let undoing = "they are the caller's"

    func apply(_ context: StartContext) throws(StepError) {
        for stream in StandardStream.allCases {
            let (status, isHandle) = try stepping("fstat", stream.name) { () throws(Errno) in
                (try FileStatus.of(stream.descriptor), try stream.descriptor.isHandle)
            }
            let what =
                isHandle
                ? "a handle on a file (O_PATH)" : status.kind == .directory ? "a directory" : nil
            guard let what else { continue }
            throw StepError(
                "\(stream.name) is \(what) of the host, which the container's program would reach"
                    + " the host's files through; redirect it from a file, a pipe or /dev/null")
        }
    }
}

/// A file or device of the host among the standard streams: through `/proc/self/fd/N` the program
/// could open it anew with other rights, overwrite its input, empty a log that it may only append
/// to. So the program gets a pipe, and the runtime process carries the bytes.
///
/// Pipes, sockets, terminals and the memory devices, of which `/dev/null` is one, pass as they are.
struct RelayStreams: Step {
    /// Of the host: the program's, who can then open the pipes anew.
    let userID: UInt32

    let side = Side.runtime
    let summary = "relay standard streams that are files or devices of the host"
    let undoing = "the pipes go with their processes"

    func apply(_ context: StartContext) throws(StepError) {
        var pipes: [StreamPipe] = []
        for stream in StandardStream.allCases {
            try stepping("pipe2", "for \(stream.name)") { () throws(Errno) in
                let status = try FileStatus.of(stream.descriptor)
                guard RelayStreams.opensAnew(status, stream.descriptor) else { return }
                // Of one file two pipes would mix up what comes first.
                if stream == .error, let output = pipes.last(where: { $0.stream == .output }),
                    output.isOf(status)
                {
                    return output.takesErrors = true
                }
                pipes.append(try StreamPipe(stream, status, owner: userID))
            }
        }
        context.pipes = pipes
    }

    private static func opensAnew(_ status: FileStatus, _ stream: FileDescriptor) -> Bool {
        switch status.kind {
        case .fifo, .socket: false
        case .characterDevice: status.deviceNumber.major != 1 && !stream.isTerminal
        default: true
        }
    }
}

/// The pipes that the runtime process carries the bytes of become the standard streams.
struct TakeStreams: Step {
    let side = Side.container
    let summary = "take the relayed standard streams"

    func apply(_ context: StartContext) throws(StepError) {
        for pipe in context.pipes {
            try stepping("dup2", pipe.stream.name) { () throws(Errno) in
                try pipe.becomeStream()
            }
        }
    }
}
