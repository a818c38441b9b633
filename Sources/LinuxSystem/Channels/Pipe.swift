internal import CLinux
internal import Glibc
public import SystemPackage

/// A pipe, both ends close-on-exec and none of them a standard stream.
public final class Pipe {
    /// Nil once it is closed.
    public private(set) var reader: FileDescriptor?
    public private(set) var writer: FileDescriptor?

    /// The corresponding C function is `pipe2`.
    public init() throws(Errno) {
        var ends: [CInt] = [-1, -1]
        try checkDone(unsafe clinux_pipe_cloexec(&ends))
        let first = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
        let second = OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
        // Where a standard stream is closed its number is the next to be given out.
        let reader = ends[0] > 2 ? first : try OwnedDescriptor.duplicate(first.borrowed)
        let writer = ends[1] > 2 ? second : try OwnedDescriptor.duplicate(second.borrowed)
        self.reader = reader.release()
        self.writer = writer.release()
    }

    public func closeReader() { reader = Pipe.close(reader) }
    public func closeWriter() { writer = Pipe.close(writer) }

    deinit {
        closeReader()
        closeWriter()
    }

    private static func close(_ end: FileDescriptor?) -> FileDescriptor? {
        if let end { _ = OwnedDescriptor(end) }
        return nil
    }
}

extension FileDescriptor {
    /// Reads and writes answer at once. The corresponding C function is `fcntl` with `F_SETFL`.
    public func stopBlocking() throws(Errno) {
        let flags = try check(fcntl(rawValue, F_GETFL))
        try checkDone(fcntl(rawValue, F_SETFL, flags | O_NONBLOCK))
    }
}
