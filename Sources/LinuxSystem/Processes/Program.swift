internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that is run beside this one, to its end.
public struct Program: Sendable {
    /// Never looked for anywhere: a path.
    public var path: String
    /// With the name of the program itself.
    public var arguments: [String]
    /// All of it: nothing of this process's is added.
    public var environment: [String]
    /// Nil for this process's own.
    public var directory: String?

    public init(
        path: String, arguments: [String], environment: [String], directory: String? = nil
    ) {
        self.directory = directory
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// How it ended.
    public struct Outcome: Sendable, Hashable {
        /// Nil: its time was up, and it was killed with its process group.
        public var ending: ChildProcess.Ending?
        /// The start of what it wrote to its standard output.
        public var output: [UInt8] = []
        /// The end of what it wrote to its standard error.
        public var errorOutput: [UInt8]
    }

    /// Starts it, hands it `input` on its standard input and waits for its end. Its umask is 022.
    ///
    /// It need not read, and whatever it has started may go on with its streams: neither is
    /// waited for.
    ///
    /// - Parameters:
    ///   - limit: How much is kept of its standard error, in bytes.
    ///   - outputLimit: How much is kept of its standard output; the rest goes nowhere.
    ///   - nanoseconds: How long it may take; nil is for ever.
    /// - Throws: Also when it cannot be executed: the errors of `execve`.
    ///
    /// The corresponding C function is `posix_spawn`.
    public func run(
        input: [UInt8], keeping limit: Int = 4096, outputLimit: Int = 0,
        within nanoseconds: UInt64? = nil
    ) throws(Errno) -> Outcome {
        let end = nanoseconds.map { Clock.nanoseconds.addingReportingOverflow($0) }
        let deadline = end.flatMap { $0.overflow ? nil : $0.partialValue }
        try Signal.listenForChildren()
        let streams = try ProgramStreams(
            input: input, keeping: limit, outputLimit: outputLimit)
        let child = try start(streams.farEnds)
        streams.closeFarEnds()
        func killGroup() throws(Errno) {
            // The number is the group's as long as its leader has not been waited for.
            _ = kill(-child.pid, SIGKILL)
            try child.send(signal: SIGKILL)
            _ = try child.wait()
        }
        do throws(Errno) {
            while try streams.serve(child.borrowed, until: deadline) {
                guard let deadline, Clock.nanoseconds >= deadline else { continue }
                try killGroup()
                return Outcome(ending: nil, errorOutput: try streams.lastErrors())
            }
        } catch {
            // A signal, as a rule: its end is not waited for any more.
            try? killGroup()
            throw error
        }
        let ending = try child.wait()
        let errors = try streams.lastErrors()
        return Outcome(ending: ending, output: try streams.lastOutput(), errorOutput: errors)
    }

    /// Runs it at a terminal, whose foreground process group it is until its end.
    ///
    /// The corresponding C functions are `posix_spawn` and `tcsetpgrp`.
    static func run(
        at terminal: FileDescriptor, _ start: () throws(Errno) -> ChildProcess
    ) throws(Errno) -> ChildProcess.Ending {
        let number = terminal.rawValue
        let child = try start()
        // It does so itself, too: who comes first does not matter.
        _ = setpgid(child.pid, child.pid)
        // From the background the change is refused by a signal, which waits meanwhile.
        var (blocked, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGTTOU)
        unsafe sigprocmask(SIG_BLOCK, &blocked, &before)
        defer {
            _ = tcsetpgrp(number, getpgrp())
            unsafe sigprocmask(SIG_SETMASK, &before, nil)
        }
        _ = tcsetpgrp(number, child.pid)
        // It may have been stopped by its first look at the terminal.
        _ = kill(-child.pid, SIGCONT)
        return try child.wait()
    }

    func start(_ streams: [CInt]) throws(Errno) -> ChildProcess {
        let argv = CStringArray(arguments)
        let envp = CStringArray(environment)
        // posix_spawn(3) sets none, and the init process has none to pass on.
        let mask = umask(0o022)
        defer { _ = umask(mask) }
        let folder = directory.map { CStringArray([$0]) }
        let pid = try ResourceLimit.withCallersFiles { () throws(Errno) in
            try check(
                unsafe clinux_start_program(
                    path, argv.pointers, envp.pointers, folder?.pointers[0], streams))
        }
        do {
            return try ChildProcess(child: pid)
        } catch {
            _ = kill(-pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
            throw error
        }
    }
}

/// The standard streams of a program, seen from here.
private final class ProgramStreams {
    private let input: Pipe
    private let output: Pipe
    private let error: Pipe
    private var unwritten: ArraySlice<UInt8>
    private var kept: [UInt8] = []
    private let limit: Int
    private var said: [UInt8] = []
    private let outputLimit: Int

    init(input bytes: [UInt8], keeping limit: Int, outputLimit: Int) throws(Errno) {
        self.outputLimit = outputLimit
        input = try Pipe()
        output = try Pipe()
        error = try Pipe()
        unwritten = bytes[...]
        self.limit = limit
        for end in [input.writer, output.reader, error.reader] { try end?.stopBlocking() }
    }

    /// The program's ends: standard input, output, error.
    var farEnds: [CInt] {
        [input.reader, output.writer, error.writer].map { $0?.rawValue ?? -1 }
    }

    /// The reader of the input stays open here: were it the program's alone, writing to one that
    /// has closed it would be SIGPIPE.
    func closeFarEnds() {
        output.closeWriter()
        error.closeWriter()
    }

    /// Waits until something happens, and passes bytes on.
    ///
    /// - Returns: Whether the program is still there.
    func serve(_ program: FileDescriptor, until deadline: UInt64?) throws(Errno) -> Bool {
        if unwritten.isEmpty { input.closeWriter() }
        let events = try Poll.wait(
            [
                (program, .readable), (input.writer, .writable), (output.reader, .readable),
                (error.reader, .readable),
            ], until: deadline)
        if !events[1].isEmpty, let writer = input.writer {
            unwritten = unwritten.dropFirst(try writer.writeSome(unwritten))
        }
        if !events[2].isEmpty, let reader = output.reader {
            if try takeOutput(reader)?.isEmpty == true { output.closeReader() }
        }
        if !events[3].isEmpty, let reader = error.reader {
            if try take(reader)?.isEmpty == true { error.closeReader() }
        }
        return events[0].isEmpty
    }

    /// The end of what was written to standard error, now that nothing more is waited for.
    func lastErrors() throws(Errno) -> [UInt8] {
        // Its orphans may go on writing: no more than a pipe holds is read.
        var rest = 1 << 20
        while rest > 0, let reader = error.reader, let bytes = try take(reader), !bytes.isEmpty {
            rest -= bytes.count
        }
        return kept
    }

    /// The standard output, as far as it is kept.
    func lastOutput() throws(Errno) -> [UInt8] {
        while said.count < outputLimit, let reader = output.reader,
            let bytes = try takeOutput(reader), !bytes.isEmpty
        {}
        return said
    }

    private func takeOutput(_ reader: FileDescriptor) throws(Errno) -> [UInt8]? {
        guard let bytes = try reader.readSome(65536) else { return nil }
        said += bytes.prefix(outputLimit - said.count)
        return bytes
    }

    private func take(_ reader: FileDescriptor) throws(Errno) -> [UInt8]? {
        guard let bytes = try reader.readSome(65536) else { return nil }
        kept = Array((kept + bytes).suffix(limit))
        return bytes
    }
}
