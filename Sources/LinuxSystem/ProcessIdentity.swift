internal import CLinux
internal import Glibc
public import SystemPackage

/// A process told apart from any later one that gets its number again: by when it started.
public struct ProcessIdentity: Sendable, Hashable {
    public var pid: Int32
    /// In clock ticks since the machine started (proc(5), `starttime`).
    public var startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// What `/proc` says of a process.
    public struct Status: Sendable, Hashable {
        /// The letter of proc(5): `R`, `S`, `Z` …
        public var state: UInt8
        public var startTime: UInt64

        /// Whether it has ended and only waits for somebody to take note.
        public var hasEnded: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    }

    /// The kernel's name for this run of the machine: after a restart another process may have both
    /// the pid and the start time of one of before.
    public static let currentBoot: String = {
        let bytes = (try? HostPath.read("/proc/sys/kernel/random/boot_id")) ?? []
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
    }()

    /// The process that has this number now.
    ///
    /// - Throws: `Errno.noSuchProcess` when there is none.
    public init(of pid: Int32) throws(Errno) {
        self.init(pid: pid, startTime: try ProcessIdentity.status(pid).startTime)
    }

    /// Whether it, or another process, has this number now. The corresponding C function is `kill`
    /// with no signal.
    public var isNumberTaken: Bool { pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) }

    /// Whether it is still there, and not only its remains.
    public var isAlive: Bool {
        guard isNumberTaken, let status = try? ProcessIdentity.status(pid)
        else { return false }
        return status.startTime == startTime && !status.hasEnded
    }

    /// It and all whose pid namespace is its own, as far as this process may look at them.
    public var withNamespaceMates: [Int32] {
        guard let own = try? HostPath.linkTarget("/proc/\(pid)/ns/pid"),
            let names = try? HostPath.directories(in: "/proc")
        else { return [pid] }
        return names.compactMap { Int32($0) }.filter {
            $0 == pid || (try? HostPath.linkTarget("/proc/\($0)/ns/pid")) == own
        }.sorted()
    }

    /// A descriptor of it, nil when it is gone: what is sent through it reaches nobody else.
    ///
    /// The corresponding C function is `pidfd_open`.
    public func open() throws(Errno) -> OwnedDescriptor? {
        guard pid > 0 else { return nil }
        let descriptor: OwnedDescriptor
        do {
            descriptor = try OwnedDescriptor.adopt(clinux_pidfd_open(pid))
        } catch .noSuchProcess {
            return nil
        }
        // Asked after the descriptor was there: now the number cannot change hands any more.
        if isAlive { return consume descriptor }
        return nil
    }

    /// - Throws: `Errno.noSuchProcess` when there is none.
    public static func status(_ pid: Int32) throws(Errno) -> Status {
        let bytes: [UInt8]
        do {
            bytes = try HostPath.read("/proc/\(pid)/stat")
        } catch .noSuchFileOrDirectory {
            throw .noSuchProcess
        }
        // The name, in parentheses, may hold anything: what counts comes after the last one.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw .noSuchProcess }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first,
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { throw .noSuchProcess }
        return Status(state: state, startTime: start)
    }
}

extension FileDescriptor {
    /// Sends a signal to the process behind this pidfd. The corresponding C function is
    /// `pidfd_send_signal`.
    public func send(signal: CInt) throws(Errno) {
        try checkDone(clinux_pidfd_send_signal(rawValue, signal))
    }
}

extension CurrentProcess {
    public static var identity: ProcessIdentity? { try? ProcessIdentity(of: getpid()) }

    /// This process's environment: `NAME=value`. The corresponding C variable is `environ`.
    public static var environment: [String] {
        var found: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe found.append(String(cString: entry))
            unsafe next += 1
        }
        return found
    }

    /// A variable of this process's environment. The corresponding C function is `getenv`.
    public static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Processes below this one that lose their parent become its children. The corresponding C
    /// function is `prctl` with `PR_SET_CHILD_SUBREAPER`.
    public static func adoptOrphans() throws(Errno) {
        try checkDone(clinux_set_child_subreaper())
    }

    /// Takes note of the end of every child but `kept`, so that none stays a zombie.
    public static func reapChildren(except kept: Int32) { clinux_reap_others(kept) }
}
