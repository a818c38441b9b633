internal import LinuxSystem
internal import SystemPackage

/// Files of the container in the place of standard streams.
struct OpenInnerStreams: ContainerStep {
    static let manual = StepManual(
        "open streams in the container",
        what: """
            Opens the files of the container that take the place of standard streams. A file for \
            output is made, or emptied. The opening of a FIFO waits for its other end.
            """,
        why: """
            Only for isolate. After the rights of the program are in force: it opens nothing that the \
            program could not. No link leads out of the root or through procfs, where descriptors \
            of the runtime's own are. Before the filter, which need not allow it.
            """,
        calls: "openat2, dup2")

    let streams: InnerStreams

    var summary: String {
        var words: [String] = []
        if let path = streams.input { words.append("read standard input from \(path)") }
        if let path = streams.output { words.append("write standard output to \(path)") }
        if let path = streams.error { words.append("write standard error to \(path)") }
        if streams.joinsError { words.append("write standard error to standard output") }
        return words.joined(separator: ", ") + ", in the container"
    }
    let undoing = "the files stay, with what the program has written"

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = RootDirectory(
            try attempt("open", on: "/", try HostPath.open("/", [.path, .directory])))
        try replace(.input, streams.input, [.readOnly], in: root)
        let flags: OpenFlags = [.writeOnly, .create, .truncate]
        try replace(.output, streams.output, flags, in: root)
        try replace(.error, streams.error, flags, in: root)
        if streams.joinsError {
            try attempt(
                "dup2", "standard output",
                try StandardStream.output.descriptor.become(
                    standardStream: StandardStream.error.rawValue))
        }
    }

    private func replace(
        _ stream: StandardStream, _ path: String?, _ flags: OpenFlags,
        in root: borrowing RootDirectory
    ) throws(Failure) {
        guard let path else { return }
        try attempt("open", path.inQuotes) { () throws(Errno) in
            let mode: UInt32 = flags.contains(.create) ? 0o666 : 0
            let file = try root.open(path, flags.union(.noControllingTerminal), mode: mode)
            try file.borrowed.become(standardStream: stream.rawValue)
        }
    }
}
