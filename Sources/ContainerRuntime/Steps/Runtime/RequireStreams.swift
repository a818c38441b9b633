internal import LinuxSystem
internal import SystemPackage

/// From a directory or a handle (O_PATH) the program would get to the host's files, by
/// `/proc/self/fd/0/..`.
struct RequireStreams: RuntimeStep {
    static let manual = StepManual(
        "require streams",
        what: """
            Looks at the standard streams. A directory, or a descriptor opened with O_PATH, ends \
            the start.
            """,
        why: """
            Before anything is made. Through a directory on descriptor 0, 1 or 2 the program \
            would reach the host's files. Streams that the caller has closed are /dev/null from \
            the entry point on.
            """,
        calls: "fstat, fcntl")

    let summary = "check that no standard stream is a directory or an O_PATH descriptor"
    let undoing = "they are the caller's"

    func apply(_ context: RuntimeContext) throws(Failure) {
        for stream in StandardStream.allCases {
            let (status, isHandle) = try attempt(
                "fstat", stream.name,
                try (FileStatus.of(stream.descriptor), stream.descriptor.isHandle))
            let what =
                isHandle
                ? "a handle on a file (O_PATH)" : status.kind == .directory ? "a directory" : nil
            guard let what else { continue }
            throw Failure(
                "\(stream.name) is \(what) of the host, which the container's program would reach"
                    + " the host's files through; redirect it from a file, a pipe or /dev/null")
        }
    }
}
