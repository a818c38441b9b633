internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that runs beside a container as long as this process wants it to. The watchdog kills it
/// when this process is gone, and knows it before it takes its first step.
///
/// There is one at a time.
public final class Companion {
    private let child: ChildProcess
    /// Its standard input. It is never written to; its end tells the program that this process is gone.
    private let input: Pipe
    /// Where it says that it is ready.
    private let word: Pipe
    private let error: Pipe
    /// The end of what it wrote to its standard error before it was ready.
    public private(set) var errors: [UInt8] = []

    private static let mostBytes = 4096

    /// Starts it as the leader of a session of its own, with nothing of this process but three pipes.
    ///
    /// - Parameter place: The descriptor at which it says that it is ready: 1, or 3, where its standard
    ///   output has other things.
    /// - Throws: What kept it from being made. An error of `execve` is in `errors`.
    ///
    /// The corresponding C functions are `clone3` with `CLONE_PIDFD`, and `execve`.
    public init(_ program: Program, readyAt place: CInt) throws(Errno) {
        input = try Pipe()
        word = try Pipe()
        error = try Pipe()
        // It does not wait for this process, which reads only until it is ready.
        for end in [word.reader, word.writer, error.reader, error.writer] {
            try end?.stopBlocking()
        }
        var streams = [input.reader, error.writer, error.writer]
        if place == 1 { streams[1] = word.writer } else { streams.append(word.writer) }
        let ends = streams.compactMap { $0 }
        let argv = CStringArray(program.arguments)
        let envp = CStringArray(program.environment)
        child = try ChildProcess.spawnCompanion {
            Companion.execute(program.path, argv, envp, ends)
        }
        input.closeReader()
        word.closeWriter()
        error.closeWriter()
    }

    private static func execute(
        _ path: String, _ arguments: CStringArray, _ environment: CStringArray,
        _ streams: [FileDescriptor]
    ) -> Never {
        do throws(Errno) {
            // Until it changes its user, from where the watchdog alone ends it.
            try CurrentProcess.setParentDeathSignal(Signal.kill)
            try CurrentProcess.startSession()
            // Out of the way of the numbers that they get.
            var moved: [FileDescriptor] = []
            for stream in streams {
                var copy = try OwnedDescriptor.duplicate(stream).release()
                while copy.rawValue < CInt(streams.count) {
                    copy = try OwnedDescriptor.duplicate(copy).release()
                }
                moved.append(copy)
            }
            for (number, stream) in moved.enumerated() {
                try stream.become(standardStream: CInt(number))
            }
            try CurrentProcess.closeDescriptors(
                except: (3..<CInt(max(3, streams.count))).map { FileDescriptor(rawValue: $0) })
            try checkDone(clinux_reset_signals())
            _ = clinux_give_back_open_files()
            _ = umask(0o077)
            try CurrentProcess.execute(path, arguments: arguments, environment: environment)
        } catch {
            try? FileDescriptor(rawValue: 2).write(all: Array("execve: \(error.words)".utf8))
        }
        CurrentProcess.exit(127)
    }

    public var pid: Int32 { child.pid }

    /// Waits until it says that it is ready, by a number.
    ///
    /// - Parameter other: A process without which there is nothing to wait for.
    /// - Returns: False where it or the other one has ended instead, or `deadline` has passed.
    /// - Throws: `Errno.interrupted` when a signal of `Interruption` arrives.
    public func awaitWord(
        until deadline: UInt64, beside other: FileDescriptor
    ) throws(Errno) -> Bool {
        while Clock.nanoseconds < deadline {
            let events = try Poll.wait(
                [
                    (word.reader, .readable), (error.reader, .readable),
                    (child.borrowed, .readable), (other, .readable),
                ], until: deadline)
            if !events[1].isEmpty { try listen() }
            if !events[0].isEmpty, let reader = word.reader {
                guard let bytes = try reader.readSome(64) else { continue }
                if let first = bytes.first { return (0x30...0x39).contains(first) }
                word.closeReader()
            }
            if !events[2].isEmpty || !events[3].isEmpty {
                try listen()
                return false
            }
        }
        return false
    }

    private func listen() throws(Errno) {
        while let reader = error.reader, let bytes = try reader.readSome(4096) {
            if bytes.isEmpty { error.closeReader() }
            errors = (errors + bytes).suffix(Companion.mostBytes)
        }
    }

    /// Kills it and waits for it; it ends at once but in an uninterruptible call.
    ///
    /// - Throws: `Errno.timedOut` for that.
    public func end() throws(Errno) {
        // Its descriptor is closed next, and another one may get the number.
        defer { clinux_forget_companion() }
        try child.send(signal: Signal.kill)
        let events = try Poll.wait(
            [(child.borrowed, .readable)], until: Clock.deadline(seconds: 10),
            isInterruptible: false)
        if events[0].isEmpty { throw .timedOut }
        _ = try child.wait()
    }
}
