internal import LinuxSystem
internal import SystemPackage

/// Carries one of the caller's standard streams to the container's program, or back, through a pipe.
/// Nothing in it waits: bytes are taken only when those before them are gone.
final class StreamRelay {
    let stream: StandardStream
    /// Whether standard error is the same file, and goes through the same pipe.
    var takesErrors = false
    /// What went wrong with the caller's stream, which the program learns of as of a closed pipe.
    private(set) var problem: SystemCallError?
    private let status: FileStatus
    private let pipe: Pipe
    /// Read and not yet written.
    private var bytes: ArraySlice<UInt8> = []
    /// Of an input that can be read again: where it began, and how much of it went into the pipe.
    private var start: Int64?
    private var passed: Int64 = 0
    private static let chunk = 65536

    /// - Parameter owner: The program's user, to whom the pipe is given where that may be done.
    init(_ stream: StandardStream, _ status: FileStatus, owner: UInt32) throws(Errno) {
        self.stream = stream
        self.status = status
        pipe = try Pipe()
        if stream == .input { start = try? stream.descriptor.position }
        try near?.setNonBlocking()
        guard owner != Credentials.effectiveUser, let far else { return }
        do throws(Errno) {
            try far.changeOwner(user: owner)
        } catch .notPermitted, .invalidArgument {
            // Then it can only be used as it is, and not be opened anew.
        }
    }

    func isOf(_ other: FileStatus) -> Bool {
        status.inode == other.inode && status.device == other.device
    }

    private var near: FileDescriptor? { stream == .input ? pipe.writer : pipe.reader }
    private var far: FileDescriptor? { stream == .input ? pipe.reader : pipe.writer }

    /// For the init process: the far end becomes its standard stream.
    func becomeStream() throws(Errno) {
        guard let far else { throw .badFileDescriptor }
        try far.become(standardStream: stream.rawValue)
        if takesErrors { try far.become(standardStream: StandardStream.error.rawValue) }
    }

    /// For the runtime process, once the init process has its own: the end of an output is seen by
    /// nobody having it open. That of an input stays: it tells in the end what nobody has read, and
    /// a program that reads nothing any more only leaves it full.
    func closeFarEnd() {
        if stream != .input { pipe.closeWriter() }
    }

    /// Where the bytes come from, as long as there is room for them, and where they go.
    static let watchedCount = 2
    var watched: [TerminalProxy.Watched] {
        guard let near else { return [(nil, []), (nil, [])] }
        let (source, target) =
            stream == .input ? (stream.descriptor, near) : (near, stream.descriptor)
        return [
            (bytes.isEmpty ? source : nil, .readable), (bytes.isEmpty ? nil : target, .writable),
        ]
    }

    func handle(_ events: ArraySlice<Poll.Events>) {
        if !events[events.startIndex].isEmpty { read() }
        if !bytes.isEmpty { write() }
    }

    /// Once the container has ended: passes on what is left of its output.
    ///
    /// - Returns: What has to become writable for the rest; nil when nothing is left.
    func drain() -> FileDescriptor? {
        guard stream != .input else {
            giveBack()
            return nil
        }
        while near != nil {
            if bytes.isEmpty { read() }
            if bytes.isEmpty { return nil }
            let count = bytes.count
            write()
            if bytes.count == count { return stream.descriptor }
        }
        return nil
    }

    private func read() {
        guard let near else { return }
        do throws(Errno) {
            if stream != .input {
                guard let found = try near.readSome(StreamRelay.chunk) else { return }
                bytes = found[...]
            } else if let start {
                bytes = try stream.descriptor.readSome(StreamRelay.chunk, at: start + passed)[...]
            } else {
                guard let found = try stream.descriptor.readSome(StreamRelay.chunk) else { return }
                bytes = found[...]
            }
            if bytes.isEmpty { closeNearEnd() }
        } catch {
            fail("read", error)
        }
    }

    private func write() {
        guard let near else { return }
        do throws(Errno) {
            let count = try (stream == .input ? near : stream.descriptor).writeSome(bytes)
            bytes = bytes.dropFirst(count)
            passed += Int64(count)
        } catch {
            fail("write", error)
        }
    }

    /// The caller's position is where the program's reads have ended, as if it had the file itself:
    /// what is behind it is there for the next one who reads (`while read` in a shell).
    private func giveBack() {
        guard let start, let far, passed > 0 else { return }
        do throws(Errno) {
            try stream.descriptor.move(to: start + passed - Int64(far.unreadCount))
        } catch {
            problem = SystemCallError("lseek", stream.name, error)
        }
    }

    private func fail(_ call: String, _ error: Errno) {
        bytes = []
        closeNearEnd()
        // A stream that was opened for the other direction, or a pipe: nothing is lost.
        if error == .badFileDescriptor || error == .brokenPipe { return }
        problem = SystemCallError(call, stream.name, error)
    }

    private func closeNearEnd() {
        if stream == .input { pipe.closeWriter() } else { pipe.closeReader() }
    }
}
