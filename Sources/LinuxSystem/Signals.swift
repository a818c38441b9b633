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

    /// The next signal that has arrived, nil when there is none.
    public func next() throws(Errno) -> CInt? {
        // One `struct signalfd_siginfo`: 128 bytes, the number first.
        guard let info = try descriptor.borrowed.readSome(128), info.count == 128 else {
            return nil
        }
        return CInt(info[0])
    }

    /// Every signal back to its default action and unblocked, for a process about to exec.
    public static func resetAll() {
        clinux_reset_signals()
    }
}

/// Waiting for descriptors (poll(2)).
public enum Poll {
    /// What happened to a descriptor.
    public struct Events: OptionSet, Sendable {
        public var rawValue: CShort
        public init(rawValue: CShort) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: CShort(POLLIN))
        public static let writable = Events(rawValue: CShort(POLLOUT))
        /// Error or hang-up: told even when not asked for.
        public static let closed = Events(rawValue: CShort(POLLHUP | POLLERR | POLLNVAL))
    }

    /// Waits until something happens; a nil descriptor is passed over.
    ///
    /// - Returns: For each entry what happened to it.
    ///
    /// The corresponding C function is `poll` without a time limit.
    public static func wait(
        _ entries: [(descriptor: FileDescriptor?, events: Events)]
    ) throws(Errno) -> [Events] {
        var polled = entries.map {
            pollfd(fd: $0.descriptor?.rawValue ?? -1, events: $0.events.rawValue, revents: 0)
        }
        _ = try retryOnInterrupt { unsafe poll(&polled, nfds_t(polled.count), -1) }
        return polled.map { Events(rawValue: $0.revents) }
    }
}

extension Poll {
    /// What is so just now, without waiting.
    public static func ready(_ descriptor: FileDescriptor) throws(Errno) -> Events {
        var polled = pollfd(fd: descriptor.rawValue, events: 0, revents: 0)
        _ = try retryOnInterrupt { unsafe poll(&polled, 1, 0) }
        return Events(rawValue: polled.revents)
    }
}

/// Signal numbers (signal(7)).
public enum Signal {
    public static let kill = SIGKILL
    public static let windowChange = SIGWINCH
    /// What somebody sends to the runtime and means for the container.
    public static let forwarded = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    /// Whether whoever started this process wants it to be deaf to `signal` (nohup(1)).
    public static func isIgnored(_ signal: CInt) -> Bool { clinux_is_ignored(signal) == 1 }

    /// Children can be waited for, whatever whoever started this process does with its own.
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
