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

    /// The state of a process in `/proc`.
    public struct Status: Sendable, Hashable {
        /// The letter of proc(5): `R`, `S`, `Z` …
        public var state: UInt8
        public var parent: Int32
        public var startTime: UInt64
        /// Whether it has executed a program since it was made, and did not only set out to. Told
        /// of an ended process too, until it has been waited for.
        public var hasExecuted: Bool

        /// Whether it has ended and has not been waited for.
        public var hasEnded: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    }

    /// The kernel's name for this run of the machine: after a restart another process may have both
    /// the pid and the start time of one of before.
    ///
    /// - Throws: It cannot be read. Nothing then tells a process of before from one of now.
    public static var currentBoot: String {
        get throws(Errno) { try boot.get() }
    }

    private static let boot: Result<String, Errno> = Result { () throws(Errno) in
        let bytes = try HostPath.read("/proc/sys/kernel/random/boot_id")
        let name = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
        if name.isEmpty { throw .noData }
        return name
    }

    /// The process that has this number now.
    ///
    /// - Throws: `Errno.noSuchProcess` when there is none.
    public init(of pid: Int32) throws(Errno) {
        self.init(pid: pid, startTime: try ProcessIdentity.status(pid).startTime)
    }

    /// Whether it, or another process, has this number now. The corresponding C function is `kill`
    /// with no signal.
    public var isNumberTaken: Bool {
        get throws(Errno) {
            if pid <= 0 { return false }
            do throws(Errno) {
                try checkDone(kill(pid, 0))
            } catch .noSuchProcess {
                return false
            } catch .notPermitted {
            }
            return true
        }
    }

    /// Whether it is still there, and not only its remains.
    ///
    /// - Throws: It cannot be looked at.
    public var isAlive: Bool {
        get throws(Errno) {
            guard try isNumberTaken else { return false }
            do throws(Errno) {
                let status = try ProcessIdentity.status(pid)
                return status.startTime == startTime && !status.hasEnded
            } catch .noSuchProcess {
                return false
            }
        }
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

    /// A descriptor of it, nil when it is gone: a signal through it reaches no other process.
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
        if try isAlive { return consume descriptor }
        return nil
    }

    /// A descriptor of the process that has this number now, as one of this process.
    ///
    /// The corresponding C functions are `pidfd_open` and `pidfd_getfd`.
    public static func descriptor(
        _ number: CInt, of pid: Int32
    ) throws(Errno) -> OwnedDescriptor {
        let opened = try OwnedDescriptor.adopt(clinux_pidfd_open(pid))
        return try OwnedDescriptor.adopt(clinux_pidfd_getfd(opened.borrowed.rawValue, number))
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
            let parent = Int32(String(decoding: fields[1], as: UTF8.self)),
            let flags = UInt64(String(decoding: fields[6], as: UTF8.self)),
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { throw .noSuchProcess }
        return Status(
            state: state, parent: parent, startTime: start,
            hasExecuted: flags & forkedWithoutExecution == 0)
    }

    /// `PF_FORKNOEXEC` of the kernel: set when a process is made, cleared in execve(2) at the point
    /// of no return, before descriptors are closed. The process itself cannot set it again.
    private static let forkedWithoutExecution: UInt64 = 0x40
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

    /// Kills the children that are in another mount namespace than this process, and what they leave
    /// behind: for a subreaper, all their descendants. Waits for their ends.
    ///
    /// - Parameter deadline: On `Clock`.
    /// - Returns: Those that have not ended by then: they may not be killed, or cannot die.
    public static func endChildrenElsewhere(until deadline: UInt64) -> [Int32] {
        let own = mountNamespace(of: getpid())
        while true {
            reapChildren(except: 0)
            if clinux_has_children() == 0 { return [] }
            let children = self.children.filter { mountNamespace(of: $0) != own }
            guard let first = children.first else { return [] }
            // Their pids are not reused until they are waited for.
            for child in children { _ = kill(child, SIGKILL) }
            if Clock.nanoseconds >= deadline { return children }
            if let held = try? ChildProcess(child: first) {
                _ = try? Poll.wait([(held.borrowed, .readable)], until: deadline)
            }
        }
    }

    private static func mountNamespace(of pid: Int32) -> String? {
        try? HostPath.linkTarget("/proc/\(pid)/ns/mnt")
    }

    private static var children: [Int32] {
        let own = getpid()
        let names = (try? HostPath.directories(in: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter {
            guard let status = try? ProcessIdentity.status($0) else { return false }
            return status.parent == own && !status.hasEnded
        }
    }
}
