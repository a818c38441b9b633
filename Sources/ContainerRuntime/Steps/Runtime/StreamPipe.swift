internal import LinuxSystem
package import SystemPackage

/// A pipe in the place of a standard stream. The init process has its far end, and the runtime
/// process carries bytes between the near end and the caller's stream.
package final class StreamPipe {
    package let stream: StandardStream
    /// Whether standard error is the same file, and goes through the same pipe.
    var takesErrors = false
    /// Where an input that can be read again began.
    package private(set) var start: Int64?
    private let status: FileStatus
    private let pipe: Pipe
    /// The file in the place of the caller's stream.
    private var file: HeldDescriptor?

    /// Where the bytes come from or go to on the host.
    package var caller: FileDescriptor { file?.borrowed ?? stream.descriptor }

    /// - Parameters:
    ///   - owner: The program's user, to whom the pipe is given where that may be done.
    ///   - file: Takes the place of the caller's stream.
    init(
        _ stream: StandardStream, _ status: FileStatus, owner: UInt32, file: HeldDescriptor? = nil
    ) throws(Errno) {
        self.stream = stream
        self.file = file
        self.status = status
        pipe = try Pipe()
        start = stream == .input ? try? (file?.borrowed ?? stream.descriptor).position : nil
        try near?.setNonBlocking()
        guard owner != Credentials.effectiveUser, let far else { return }
        do throws(Errno) {
            try far.changeOwner(user: owner)
        } catch .notPermitted, .invalidArgument {
            // Then it can only be used as it is, and not be opened anew.
        }
    }

    /// Another file for the input, before anything of it was read.
    func take(file: HeldDescriptor) {
        self.file = file
        start = try? file.borrowed.position
    }

    func isOf(_ other: FileStatus) -> Bool {
        status.inode == other.inode && status.device == other.device
    }

    package var near: FileDescriptor? { stream == .input ? pipe.writer : pipe.reader }
    package var far: FileDescriptor? { stream == .input ? pipe.reader : pipe.writer }

    /// For the init process: the far end becomes its standard stream.
    func becomeStream() throws(Errno) {
        guard let far else { throw .badFileDescriptor }
        try far.become(standardStream: stream.rawValue)
        if takesErrors { try far.become(standardStream: StandardStream.error.rawValue) }
    }

    /// For the runtime process, once the init process has its own: the end of an output is seen when
    /// no process has it open. That of an input stays: it tells in the end how much was not read, and
    /// a program that reads nothing any more only leaves it full.
    func closeFarEnd() {
        if stream != .input { pipe.closeWriter() }
    }

    package func closeNearEnd() {
        if stream == .input { pipe.closeWriter() } else { pipe.closeReader() }
    }
}
