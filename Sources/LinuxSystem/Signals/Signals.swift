internal import CLinux
internal import Glibc
public import SystemPackage

/// Signals taken as data: blocked, and read from a descriptor (signalfd(2)).
public struct SignalQueue: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Blocks `signals` and opens a descriptor on them.
    public static func open(_ signals: [CInt]) throws(Errno) -> SignalQueue {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        var old = sigset_t()
        try checkDone(unsafe clinux_block_signals(&set, &old))
        return SignalQueue(descriptor: try OwnedDescriptor.adopt(unsafe clinux_signalfd(&set)))
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }

    consuming func release() -> FileDescriptor { descriptor.release() }

    /// The next signal that has arrived, nil when there is none.
    public func next() throws(Errno) -> CInt? {
        // One `struct signalfd_siginfo`: 128 bytes, the number first.
        guard let info = try descriptor.borrowed.readSome(128), info.count == 128 else {
            return nil
        }
        return CInt(info[0])
    }

    /// Every signal back to its default action and unblocked, for a process about to exec.
    ///
    /// The corresponding C functions are `rt_sigaction` and `sigprocmask`.
    public static func resetAll() throws(Errno) {
        try checkDone(clinux_reset_signals())
    }
}

/// Waiting for descriptors (poll(2)).
public enum Poll {
    /// Events of a descriptor.
    public struct Events: OptionSet, Sendable {
        public var rawValue: CShort
        public init(rawValue: CShort) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: CShort(POLLIN))
        public static let writable = Events(rawValue: CShort(POLLOUT))
        /// As the file's own kind has it: what a trigger of pressure tells of.
        public static let urgent = Events(rawValue: CShort(POLLPRI))
        /// Error or hang-up: told even when not asked for.
        public static let closed = Events(rawValue: CShort(POLLHUP | POLLERR | POLLNVAL))
    }

    /// Waits until something happens; a nil descriptor is passed over.
    ///
    /// - Returns: For each entry what happened to it.
    ///
    /// - Parameters:
    ///   - deadline: When to stop waiting, on `Clock`; nil is never. What has happened by then may
    ///     be nothing.
    ///   - isInterruptible: False where the caller takes the signals of `Interruption` itself.
    /// - Throws: `Errno.interrupted` when a signal of `Interruption` has arrived.
    ///
    /// The corresponding C function is `poll`.
    public static func wait(
        _ entries: [(descriptor: FileDescriptor?, events: Events)], until deadline: UInt64? = nil,
        isInterruptible: Bool = true
    ) throws(Errno) -> [Events] {
        var polled = entries.map {
            pollfd(fd: $0.descriptor?.rawValue ?? -1, events: $0.events.rawValue, revents: 0)
        }
        let interruption = isInterruptible ? Interruption.descriptor?.rawValue ?? -1 : -1
        polled.append(pollfd(fd: interruption, events: CShort(POLLIN), revents: 0))
        let limit = isInterruptible ? Interruption.deadline : nil
        let end = limit.map { min($0, deadline ?? $0) } ?? deadline
        _ = try retryOnInterrupt {
            unsafe poll(&polled, nfds_t(polled.count), milliseconds(until: end))
        }
        if polled.removeLast().revents != 0 || Interruption.isPast(limit) { throw .interrupted }
        return polled.map { Events(rawValue: $0.revents) }
    }

    /// Waits for nothing but the time. The corresponding C function is `poll`.
    public static func pause(milliseconds: UInt64) throws(Errno) {
        _ = try wait([], until: Clock.nanoseconds + milliseconds * 1_000_000)
    }

    /// The time-out of `poll`, rounded up: −1 is for ever.
    private static func milliseconds(until deadline: UInt64?) -> CInt {
        guard let deadline else { return -1 }
        let now = Clock.nanoseconds
        return deadline <= now ? 0 : CInt(clamping: (deadline - now + 999_999) / 1_000_000)
    }
}

extension Poll {
    /// The events at this moment, without waiting.
    public static func ready(
        _ descriptor: FileDescriptor, _ events: Events = []
    ) throws(Errno) -> Events {
        var polled = pollfd(fd: descriptor.rawValue, events: events.rawValue, revents: 0)
        _ = try retryOnInterrupt { unsafe poll(&polled, 1, 0) }
        return Events(rawValue: polled.revents)
    }
}

/// Signal numbers (signal(7)).
public enum Signal {
    public static let kill = SIGKILL
    public static let windowChange = SIGWINCH
    public static let childEnded = SIGCHLD
    public static let terminate = SIGTERM
    public static let badSystemCall = SIGSYS
    public static let processorTime = SIGXCPU
    /// Signals to the runtime process that are meant for the container, unless the caller has set
    /// them to be ignored.
    public static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]
    /// Further signals that can only be meant for the container. Not among them are those that the kernel sends the
    /// runtime for its own faults and limits, and what stops it for the shell it was started from.
    public static let passedOn =
        [SIGABRT, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGCONT, SIGURG, 16]
        + Array(CInt(34)...64)
    /// Whose default action is not an end.
    public static let harmless = [SIGCONT, SIGURG, SIGCHLD, SIGWINCH]

    /// Every signal by its name without `SIG`, beside the realtime ones.
    private static let names: [(name: String, number: CInt)] = [
        ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP),
        ("ABRT", SIGABRT), ("IOT", SIGABRT), ("BUS", SIGBUS), ("FPE", SIGFPE), ("KILL", SIGKILL),
        ("USR1", SIGUSR1), ("SEGV", SIGSEGV), ("USR2", SIGUSR2), ("PIPE", SIGPIPE),
        ("ALRM", SIGALRM), ("TERM", SIGTERM), ("STKFLT", 16), ("CHLD", SIGCHLD), ("CLD", SIGCHLD),
        ("CONT", SIGCONT), ("STOP", SIGSTOP), ("TSTP", SIGTSTP), ("TTIN", SIGTTIN),
        ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ),
        ("VTALRM", SIGVTALRM), ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO),
        ("POLL", SIGIO), ("PWR", SIGPWR), ("SYS", SIGSYS),
    ]

    /// The number of a signal as people write it: `KILL`, `SIGKILL`, `kill`, `9`, `SIGRTMIN+3`.
    /// Nil for what is none.
    public static func number(_ text: String) -> CInt? {
        if let number = CInt(text) { return (1...64).contains(number) ? number : nil }
        var name = Substring(text.uppercased())
        if name.hasPrefix("SIG") { name = name.dropFirst(3) }
        if let found = names.first(where: { $0.name == name }) { return found.number }
        // As the C library has them: 32 and 33 are its own.
        for (base, first) in [("RTMIN", CInt(34)), ("RTMAX", CInt(64))] where name.hasPrefix(base) {
            let rest = name.dropFirst(base.count)
            guard let offset = rest.isEmpty ? 0 : CInt(rest) else { return nil }
            let number = first + offset
            return (34...64).contains(number) ? number : nil
        }
        return nil
    }

    /// Until the next program is executed, this process ends by these signals even where the kernel
    /// protects it from them, as the first one of a pid namespace. The corresponding C function is
    /// `sigaction`.
    public static func endQuietly() throws(Errno) {
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] { try checkDone(clinux_end_by(signal)) }
    }

    /// The meaning of a signal, in the C library's words: `bad system call`.
    public static func words(_ signal: CInt) -> String {
        unsafe strsignal(signal).map { unsafe String(cString: $0).lowercased() } ?? "unknown"
    }

    /// Whether the caller has had this process ignore `signal` (nohup(1)).
    public static func isIgnored(_ signal: CInt) -> Bool { clinux_is_ignored(signal) == 1 }

    /// Whether `signal` is blocked and has arrived. The corresponding C function is `sigpending`.
    public static func isPending(_ signal: CInt) -> Bool {
        var set = sigset_t()
        return unsafe (sigpending(&set) == 0 && sigismember(&set, signal) == 1)
    }

    /// Children can be waited for, also where the caller ignores SIGCHLD.
    public static func listenForChildren() throws(Errno) {
        try checkDone(clinux_set_default(SIGCHLD))
    }

    /// Sends `signal` to a process that is held by nothing but its number: only for those that
    /// cannot go away meanwhile, or whose number does not matter then. One that is gone is no
    /// error. The corresponding C function is `kill`.
    public static func send(_ signal: CInt, to pid: Int32) throws(Errno) {
        if Glibc.kill(pid, signal) == -1, errno != ESRCH { throw Errno(rawValue: errno) }
    }
}
