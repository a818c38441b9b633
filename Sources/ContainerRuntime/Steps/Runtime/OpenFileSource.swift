internal import LinuxSystem
internal import SystemPackage

/// `vfs.files` with `source`.
struct OpenFileSource: RuntimeStep {
    static let manual = StepManual(
        "open the source of a file",
        what: """
            Opens a file of the host whose content a file of the container gets, or a directory that \
            files are copied from.
            """,
        why: """
            By the runtime process, with the caller's rights: the container's root may not be \
            allowed to read it. Before the pivot, after which no path leads to it.
            """,
        calls: "openat, fstat")

    let path: String
    /// Among the sources, counted from 0.
    let number: Int
    var isDirectory = false

    var summary: String { "open \(path) for its content" }
    var gives: Provisions { [.fileSources] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        if isDirectory {
            let directory = try attempt(
                "open", on: path, try HostPath.open(path, [.path, .directory]))
            return context.handover.fileSources.append(HeldDescriptor(directory))
        }
        // Without waiting for the writer of a FIFO; the streams of the caller are such.
        let isStream = path == "/dev/stdin"
        let source = try attempt(
            "open", on: path,
            try isStream
                ? OwnedDescriptor.duplicate(.standardInput)
                : HostPath.open(path, [.readOnly, .noControllingTerminal, .nonBlocking]))
        let kind = try attempt("fstat", on: path, try FileStatus.of(source.borrowed)).kind
        if kind != .regular && !isStream {
            throw Failure("\(path.inQuotes) is no regular file; only such a file can be copied")
        }
        context.handover.fileSources.append(HeldDescriptor(source))
    }
}
