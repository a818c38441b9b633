internal import CLinux
internal import Glibc
public import SystemPackage

/// The signals that ask this process to end. A process that has made something on the host takes them
/// as data, and ends when it has removed it: every wait of `Poll` then ends with
/// `Errno.interrupted` as soon as one has arrived, whatever it waits for.
///
/// One thread uses it, as everything in this program.
public enum Interruption {
    public static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Lets these signals through, whatever the caller has blocked: by their default action they
    /// end this process until `listen`. The corresponding C function is `sigprocmask`.
    public static func unblock() throws(Errno) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        try checkDone(unsafe clinux_unblock_signals(&set))
    }

    /// From here on they are data. Those that the caller has this process ignore (nohup(1)) stay
    /// ignored.
    public static func listen() throws(Errno) {
        if descriptor != nil { return }
        let queue = try SignalQueue.open(signals.filter { !Signal.isIgnored($0) })
        clinux_set_interruption(queue.release().rawValue)
    }

    /// For a copy of this process, whose signals are its own.
    public static func forget() {
        clinux_set_interruption(-1)
        clinux_set_interruption_deadline(0)
    }

    /// When this process is to end what it does, on `Clock`: the same waits end then. Nil is never.
    public static var deadline: UInt64? {
        get {
            let nanoseconds = clinux_interruption_deadline()
            return nanoseconds == 0 ? nil : nanoseconds
        }
        set { clinux_set_interruption_deadline(newValue ?? 0) }
    }

    static func isPast(_ deadline: UInt64?) -> Bool {
        deadline.map { Clock.nanoseconds >= $0 } ?? false
    }

    /// The first pending signal of those; nil for none.
    public static func take() -> CInt? {
        guard let descriptor, let info = try? descriptor.readSome(128), info.count == 128 else {
            return nil
        }
        return CInt(info[0])
    }

    /// Whether one has arrived that nobody has taken yet.
    public static var isSignaled: Bool {
        guard let descriptor else { return false }
        return (try? Poll.ready(descriptor, .readable))?.contains(.readable) ?? false
    }

    /// Throws `Errno.interrupted` where one has arrived: for long work between two waits.
    public static func check() throws(Errno) {
        guard let descriptor else { return }
        let isAsked = try Poll.ready(descriptor, .readable).contains(.readable)
        if isAsked || isPast(deadline) { throw .interrupted }
    }

    /// Does what has to be finished: its waits have deadlines, and nothing else ends them.
    public static func deferring<Failure: Error>(
        _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        let wasDeferred = clinux_defer_interruption(1)
        defer { _ = clinux_defer_interruption(wasDeferred) }
        try body()
    }

    /// In the middle of that, what may take for ever: a signal ends `body`, and no more.
    public static func hearing<Failure: Error>(
        _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        let wasDeferred = clinux_defer_interruption(0)
        defer { _ = clinux_defer_interruption(wasDeferred) }
        do throws(Failure) {
            try body()
        } catch {
            _ = take()
            throw error
        }
    }

    static var descriptor: FileDescriptor? {
        let number = clinux_interruption()
        return number < 0 ? nil : FileDescriptor(rawValue: number)
    }
}
