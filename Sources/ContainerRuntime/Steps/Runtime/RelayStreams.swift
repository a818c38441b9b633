internal import LinuxSystem
internal import SystemPackage

/// A file or device of the host among the standard streams: through `/proc/self/fd/N` the program
/// could open it anew with other rights, overwrite its input, or truncate a log that it may only
/// append to.
///
/// Pipes, sockets, terminals and the memory devices, of which `/dev/null` is one, pass as they
/// are.
struct RelayStreams: RuntimeStep {
    static let manual = StepManual(
        "relay the streams",
        what: """
            Makes a pipe for each standard stream that is a file or a device of the host, except \
            a terminal or /dev/null, and for each that --stdin, --stdout or --stderr replaces. The \
            runtime process carries the bytes. A pipe that is opened again through /proc/self/fd \
            gives no other right to the file. With a limit of output, also a pipe for standard \
            output and standard error, whatever they are.
            """,
        why: """
            Only in the one-shot form without a terminal, and with a limit of output. Before the init process is made, which \
            inherits its ends of the pipes.
            """,
        calls: "fstat, pipe2, pread, write")

    /// Of the host: the program's, who can then open the pipes anew.
    let userID: UInt32
    /// Whether those that are files or devices are relayed.
    let relaysFiles: Bool
    /// The most bytes of standard output and standard error together.
    let outputLimit: UInt64?

    var summary: String {
        let all = relaysFiles ? "relay standard streams that are files or devices of the host" : ""
        guard let outputLimit else { return all }
        return all + (relaysFiles ? ", and all output: " : "relay all output: ")
            + "at most \(Quantity.size(outputLimit))"
    }
    let undoing = "the pipes go with their processes"

    func apply(_ context: RuntimeContext) throws(Failure) {
        var pipes: [StreamPipe] = []
        for stream in StandardStream.allCases {
            let file = context.streamFiles[stream]
            let caller = file?.borrowed ?? stream.descriptor
            let status = try attempt("fstat", stream.name, try FileStatus.of(caller))
            let counts = outputLimit != nil && stream != .input
            guard
                counts || file != nil
                    || relaysFiles && RelayStreams.opensAnew(status, caller)
            else { continue }
            // Of one file two pipes would mix up what comes first.
            if stream == .error, let output = pipes.last(where: { $0.stream == .output }),
                output.isOf(status)
            {
                output.takesErrors = true
                continue
            }
            pipes.append(
                try attempt(
                    "pipe2", "for \(stream.name)",
                    try StreamPipe(stream, status, owner: userID, file: file)))
        }
        context.handover.pipes = pipes
    }

    private static func opensAnew(_ status: FileStatus, _ stream: FileDescriptor) -> Bool {
        switch status.kind {
        case .fifo, .socket: false
        case .characterDevice: status.deviceNumber.major != 1 && !stream.isTerminal
        default: true
        }
    }
}
