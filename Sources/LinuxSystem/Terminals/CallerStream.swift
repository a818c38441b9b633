internal import CLinux
internal import Glibc
public import SystemPackage

/// Standard output, standard error or a log, for a process that has other things to do than to wait for
/// its reader.
///
/// It is not made non-blocking: the caller shares it and would find it so afterwards. Pipes and
/// terminals are opened anew, sockets are asked for each message.
public final class CallerStream {
    /// The stream, and whether this object owns it.
    public let borrowed: FileDescriptor
    private let isOwn: Bool
    /// Nil where it is closed, or cannot be looked at.
    private let kind: FileKind?
    private let isClosed: Bool
    /// Whether a write answers at once in any case; otherwise only a small one does, and only when
    /// `poll` says so.
    public let neverWaits: Bool

    public init(_ stream: FileDescriptor) {
        do throws(Errno) {
            kind = try FileStatus.of(stream).kind
            isClosed = false
        } catch {
            kind = nil
            isClosed = error == .badFileDescriptor
        }
        switch kind {
        case .fifo, .characterDevice:
            let opened = try? HostPath.open(
                "/proc/self/fd/\(stream.rawValue)",
                [.writeOnly, .nonBlocking, .noControllingTerminal])
            let own = opened?.release()
            borrowed = own ?? stream
            isOwn = own != nil
            neverWaits = isOwn
        default:
            borrowed = stream
            isOwn = false
            neverWaits = kind != nil || isClosed
        }
    }

    /// A file that was opened with `OpenFlags.nonBlocking`.
    public init(opened file: consuming OwnedDescriptor) {
        kind = (try? FileStatus.of(file.borrowed))?.kind
        isClosed = false
        borrowed = file.release()
        isOwn = true
        neverWaits = true
    }

    /// A descriptor that this object owns and the caller's program shares.
    public init(owned stream: consuming OwnedDescriptor) {
        let number = stream.release()
        kind = (try? FileStatus.of(number))?.kind
        isClosed = false
        borrowed = number
        isOwn = true
        neverWaits = kind == .regular
    }

    deinit {
        if isOwn { _ = OwnedDescriptor(borrowed) }
    }

    public func isWritable() throws(Errno) -> Bool {
        !(try Poll.ready(borrowed, .writable).isEmpty)
    }

    /// One write. A reader that is gone ends this process.
    ///
    /// - Returns: How much was taken.
    public func write(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        switch kind {
        // Closed by the caller: nothing is to be printed.
        case nil where isClosed: bytes.count
        case .socket: try borrowed.sendSome(bytes)
        default: try borrowed.writeSome(neverWaits ? bytes : bytes.prefix(CallerStream.small))
        }
    }

    /// As `write`, but a reader that is gone is `Errno.brokenPipe`.
    ///
    /// - Returns: How much was taken.
    public func writeQuietly(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        let piece = neverWaits ? bytes : bytes.prefix(CallerStream.small)
        let count = unsafe piece.withUnsafeBytes {
            kind == .socket
                ? unsafe clinux_send_quietly(borrowed.rawValue, $0.baseAddress, $0.count)
                : unsafe clinux_write_quietly(borrowed.rawValue, $0.baseAddress, $0.count)
        }
        if count >= 0 { return count }
        let error = Errno(rawValue: errno)
        if error == .resourceTemporarilyUnavailable || error == .interrupted { return 0 }
        throw error
    }

    /// What a pipe takes for certain when it is writable at all is PIPE_BUF; of a terminal nobody
    /// says.
    private static let small = 256

    /// Writes all of `bytes`, waiting for the reader. A reader that is gone ends this process.
    ///
    /// - Throws: `Errno.interrupted` when a signal of `Interruption` arrives meanwhile.
    public func write(all bytes: [UInt8]) throws(Errno) {
        try write(all: bytes, until: nil, write)
    }

    /// Writes as much of a message as the reader takes until `deadline`. A reader that is gone, or
    /// does not read, does not end what this process has to do.
    ///
    /// - Throws: `Errno.timedOut`, `Errno.brokenPipe`.
    public func tell(_ bytes: [UInt8], until deadline: UInt64) throws(Errno) {
        try write(all: bytes, until: deadline, writeQuietly)
    }

    private func write(
        all bytes: [UInt8], until deadline: UInt64?,
        _ write: (ArraySlice<UInt8>) throws(Errno) -> Int
    ) throws(Errno) {
        if kind == nil { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            if !neverWaits {
                try awaitRoom(until: deadline)
            }
            let count = try write(rest)
            rest = rest.dropFirst(count)
            if count == 0 { try awaitRoom(until: deadline) }
        }
    }

    private func awaitRoom(until deadline: UInt64?) throws(Errno) {
        // A message with a deadline is written in any case: it may be about the failure.
        let events = try Poll.wait(
            [(borrowed, .writable)], until: deadline, isInterruptible: deadline == nil)
        if events[0].isEmpty { throw .timedOut }
    }
}
