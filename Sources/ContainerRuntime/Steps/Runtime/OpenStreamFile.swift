internal import LinuxSystem
internal import SystemPackage

/// `--stdin`, `--stdout`, `--stderr`
struct OpenStreamFile: RuntimeStep {
    static let manual = StepManual(
        "open the file of a stream",
        what: """
            Opens the file that takes the place of a standard stream, with the caller's rights. A \
            file for output is made, or emptied; a symbolic link is not \
            followed. The program gets a pipe, never the file: through /proc/self/fd it could open \
            the file with other rights.
            """,
        why:
            "Before the streams are relayed. Before the init process is made, which has no copy of it.",
        calls: "openat, fstat, ftruncate")

    let file: StreamFile

    var summary: String {
        file.stream == .input
            ? "read \(file.stream.name) from \(file.path)"
            : "write \(file.stream.name) to \(file.path)"
    }
    let undoing = "the file stays, with what the program has written"

    func apply(_ context: RuntimeContext) throws(Failure) {
        if file.stream == .input {
            let flags: OpenFlags = [.readOnly, .nonBlocking, .noControllingTerminal]
            let opened = try attempt("open", on: file.path, try HostPath.open(file.path, flags))
            return try keep(HeldDescriptor(opened), context)
        }
        // It would be emptied.
        if let input = context.streamFiles[.input],
            let status = try? FileStatus.of(path: file.path), status.kind == .regular,
            try attempt("fstat", on: file.path, try FileStatus.of(input.borrowed))
                .isSame(as: status)
        {
            throw Failure(
                "\(file.path.inQuotes) is standard input too; name another file for"
                    + " \(file.stream.name)")
        }
        // Both streams through one pipe, in their order.
        if let other = context.streamFiles[.output], let path = context.streamPath,
            path == file.path
        {
            context.streamFiles[file.stream] = other
            return
        }
        let opened = try attempt(
            "open", on: file.path, advice: HostPath.adviceOfOutput,
            try HostPath.openOutput(file.path, followsLinks: false))
        context.streamPath = file.path
        try keep(HeldDescriptor(opened), context)
    }

    private func keep(_ opened: HeldDescriptor, _ context: RuntimeContext) throws(Failure) {
        let status = try attempt("fstat", on: file.path, try FileStatus.of(opened.borrowed))
        switch status.kind {
        case .regular, .fifo, .characterDevice: context.streamFiles[file.stream] = opened
        case .directory, .blockDevice, .socket, .symbolicLink:
            throw Failure(
                "\(file.path.inQuotes) cannot be \(file.stream.name): it is no regular file, FIFO or"
                    + " character device; name a file")
        }
    }
}
