internal import Glibc
public import SystemPackage

/// A program that is fed a stream, and whose standard output is read meanwhile.
public final class FilterProgram {
    private let input: Pipe
    private let output: Pipe
    private let error: Pipe
    private let child: ChildProcess
    private var said: [UInt8] = []

    /// Starts it.
    ///
    /// - Throws: Also when it cannot be executed: the errors of `execve`.
    ///
    /// The corresponding C function is `posix_spawn`.
    public init(_ program: Program) throws(Errno) {
        input = try Pipe()
        output = try Pipe()
        error = try Pipe()
        for end in [input.writer, output.reader, error.reader] { try end?.stopBlocking() }
        child = try program.start(
            [input.reader, output.writer, error.writer].map { $0?.rawValue ?? -1 })
        // The reader of the input stays open here: were it the program's alone, writing to one
        // that has closed it would be SIGPIPE.
        output.closeWriter()
        error.closeWriter()
    }

    /// It is told that nothing more comes.
    public func closeInput() {
        input.closeWriter()
        input.closeReader()
    }

    /// Waits until it takes some of `bytes` or has something to say, and does what is possible.
    ///
    /// - Parameters:
    ///   - bytes: Empty where there is nothing to be written.
    ///   - target: Not empty.
    /// - Returns: How many bytes it has taken, and how many have come; 0 is the end of them, nil
    ///   that there are none yet.
    ///
    /// The corresponding C functions are `poll`, `read` and `write`.
    @unsafe
    public func exchange(
        _ bytes: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> (written: Int, read: Int?) {
        let writer = unsafe bytes.isEmpty ? nil : input.writer
        let events = try Poll.wait([
            (output.reader, .readable), (writer, .writable), (error.reader, .readable),
        ])
        if !events[2].isEmpty { try listen() }
        var written = 0
        if events[1].contains(.writable), let writer {
            written =
                try transfer {
                    unsafe write(writer.rawValue, bytes.baseAddress, bytes.count)
                } ?? 0
        }
        guard !events[0].isEmpty, let reader = output.reader else { return (written, nil) }
        let read = try transfer {
            unsafe Glibc.read(reader.rawValue, target.baseAddress, target.count)
        }
        return (written, read)
    }

    /// Waits for its end.
    ///
    /// - Returns: Also the end of what it has written to standard error.
    public func finish() throws(Errno) -> (ending: ChildProcess.Ending, said: [UInt8]) {
        closeInput()
        output.closeReader()
        let ending = try child.wait()
        try listen()
        return (ending, said)
    }

    /// Nil where it would have to wait.
    private func transfer(_ call: () -> Int) throws(Errno) -> Int? {
        do throws(Errno) {
            return try retryOnInterrupt(call)
        } catch .resourceTemporarilyUnavailable {
            return nil
        }
    }

    private func listen() throws(Errno) {
        while let reader = error.reader, let bytes = try reader.readSome(4096) {
            if bytes.isEmpty { error.closeReader() }
            said = (said + bytes).suffix(4096)
        }
    }
}
