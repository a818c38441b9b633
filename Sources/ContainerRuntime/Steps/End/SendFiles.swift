internal import LinuxSystem
internal import SystemPackage

/// Regular files of the container, written to standard output in the place of a program.
struct SendFiles: ContainerStep {
    static let manual = StepManual(
        "send files",
        what: """
            Writes regular files of the container's tree to standard output, each with its mode and \
            its size, and ends.
            """,
        why: """
            Only in a session of a batch, in the place of the program: with the program's rights and \
            no others, so a path leads where it would lead the program.
            """,
        calls: "openat, fstat, read, write")

    let paths: [String]

    var summary: String { "send \(paths.count) files" }

    /// A file with more bytes is told as no file.
    private static let limit = 64 << 20

    func apply(_ context: ContainerContext) throws(Failure) {
        let record = StartRecord(
            context.usageBeforeFilter ?? ProcessUsage.ofThisProcess, context.usageOfInit)
        try attempt(
            "write", "to the runtime process",
            try (context.reports ?? .standardError).write(
                all: InitMessage.executing(record).encoded))
        // The supervisor takes its end for the program's start.
        context.channel = nil
        for path in paths {
            var head = [UInt8](repeating: 0, count: 16)
            var content: [UInt8] = []
            do throws(Errno) {
                let file = try HostPath.open(
                    path, [.readOnly, .nonBlocking, .noControllingTerminal])
                let status = try FileStatus.of(file.borrowed)
                // What /proc tells of "self" is this process's, which has the caller's environment.
                if status.kind == .regular, try FileSystemMagic.of(file.borrowed) != .procfs {
                    content = try file.borrowed.readAll(limit: SendFiles.limit)
                    head = SentFile.head(mode: status.permissions & 0o777, count: content.count)
                }
            } catch {
                // What is not there, or may not be read, is told as no file.
            }
            try attempt(
                "write", on: path, try FileDescriptor.standardOutput.write(all: head + content))
        }
        CurrentProcess.exit(0)
    }
}

/// A file as the step sends it: whether it is there, its mode, its size, its bytes.
public struct SentFile {
    public var mode: UInt32
    public var bytes: [UInt8]

    fileprivate static func head(mode: UInt32, count: Int) -> [UInt8] {
        var head: [UInt8] = [1, UInt8(mode >> 8), UInt8(mode & 255), 0, 0, 0, 0, 0]
        for shift in 0..<8 {
            head.append(UInt8(truncatingIfNeeded: UInt64(count) >> UInt64(shift * 8)))
        }
        return head
    }

    /// - Returns: One for each path, nil where it is no regular file; nil where bytes are missing.
    public static func read(_ bytes: [UInt8], count: Int) -> [SentFile?]? {
        var found: [SentFile?] = []
        var rest = bytes[...]
        for _ in 0..<count {
            if rest.count < 16 { return nil }
            let head = Array(rest.prefix(16))
            rest = rest.dropFirst(16)
            if head[0] == 0 {
                found.append(nil)
                continue
            }
            let size = head[8...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if size > UInt64(rest.count) { return nil }
            let mode = UInt32(head[1]) << 8 | UInt32(head[2])
            found.append(SentFile(mode: mode, bytes: Array(rest.prefix(Int(size)))))
            rest = rest.dropFirst(Int(size))
        }
        return found
    }
}
