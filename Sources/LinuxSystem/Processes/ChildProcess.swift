internal import CLinux
internal import Glibc
public import SystemPackage

/// A process this one has made, held by its pidfd.
public struct ChildProcess: ~Copyable, Sendable {
    let pidfd: OwnedDescriptor
    public let pid: Int32

    /// How a process ended.
    public enum Ending: Sendable, Hashable {
        case exited(CInt)
        case signaled(CInt)
    }

    /// Makes a process with new namespaces that runs `body`: a copy of this one, with memory and
    /// descriptors of its own.
    ///
    /// - Parameter controlGroup: The directory of a cgroup2 that the new process starts in.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PIDFD`. The watchdog knows the last one
    /// made.
    public static func spawn(
        _ namespaces: NamespaceSet, controlGroup: FileDescriptor? = nil,
        body: @escaping () -> Never
    ) throws(Errno) -> ChildProcess {
        let held = Body(body)
        var pidfd: CInt = -1
        let pid = try check(
            unsafe clinux_spawn(
                namespaces.rawValue, controlGroup?.rawValue ?? -1, &pidfd, Body.call,
                Unmanaged.passUnretained(held).toOpaque()))
        return withExtendedLifetime(held) {
            ChildProcess(pidfd: OwnedDescriptor(FileDescriptor(rawValue: pidfd)), pid: pid)
        }
    }

    /// For the process that `spawn` has made: makes one that is the child of its parent and a copy
    /// of this one.
    ///
    /// - Parameter namespaces: Those that it gets.
    /// - Returns: Its pid.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PARENT`.
    public static func spawnSibling(
        in namespaces: NamespaceSet = [], _ body: @escaping () -> Never
    ) throws(Errno) -> Int32 {
        let held = Body(body)
        return try withExtendedLifetime(held) { () throws(Errno) in
            try check(
                unsafe clinux_spawn_sibling(
                    namespaces.rawValue, Body.call, Unmanaged.passUnretained(held).toOpaque()))
        }
    }

    /// Runs `body` in a copy of this process, in new namespaces, and waits for its end. It dies with
    /// this process, and nobody may look into it, whatever user namespace it joins.
    ///
    /// - Parameter body: Sends what it has found through the channel, a few messages: they are read
    ///   when it has ended.
    /// - Returns: The other end of that channel.
    ///
    /// The corresponding C functions are `clone3` and `waitpid`.
    public static func runAside(
        _ namespaces: NamespaceSet, _ body: @escaping (borrowing Channel) -> Void
    ) throws(Errno) -> Channel {
        let pair = try Channel.Pair()
        let far = pair.far.borrowed
        let held = Body {
            guard (try? CurrentProcess.setParentDeathSignal(Signal.kill)) != nil,
                (try? CurrentProcess.setDumpable(false)) != nil
            else { CurrentProcess.exit(1) }
            // In this process's table of descriptors.
            body(Channel(OwnedDescriptor(far)))
            CurrentProcess.exit(0)
        }
        try withExtendedLifetime(held) { () throws(Errno) in
            try checkDone(
                unsafe clinux_run_aside(
                    namespaces.rawValue, Body.call, Unmanaged.passUnretained(held).toOpaque()))
        }
        return pair.takeNear()
    }

    /// A child of this process that another one has made.
    public init(child pid: Int32) throws(Errno) {
        pidfd = try OwnedDescriptor.adopt(clinux_pidfd_open(pid))
        self.pid = pid
    }

    private init(pidfd: consuming OwnedDescriptor, pid: Int32) {
        self.pidfd = pidfd
        self.pid = pid
    }

    /// A closure that C can carry.
    private final class Body {
        let run: () -> Never

        init(_ run: @escaping () -> Never) {
            self.run = run
        }

        /// Takes what C has carried.
        static let call: @convention(c) (UnsafeMutableRawPointer?) -> CInt = { context in
            guard let context = unsafe context else { return 1 }
            unsafe Unmanaged<Body>.fromOpaque(context).takeUnretainedValue().run()
        }
    }

    public var borrowed: FileDescriptor { pidfd.borrowed }

    /// The corresponding C function is `pidfd_send_signal`.
    public func send(signal: CInt) throws(Errno) {
        try checkDone(clinux_pidfd_send_signal(pidfd.borrowed.rawValue, signal))
    }

    /// A descriptor of that process, as one of this process.
    ///
    /// The corresponding C function is `pidfd_getfd`.
    public func descriptor(_ number: CInt) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(clinux_pidfd_getfd(pidfd.borrowed.rawValue, number))
    }

    /// Waits for the end.
    ///
    /// - Parameter keepingRemains: The process stays a zombie, which `/proc` still tells of.
    ///
    /// The corresponding C function is `waitid` with `P_PIDFD`.
    public func wait(keepingRemains: Bool = false) throws(Errno) -> Ending {
        try waitMeasuring(keepingRemains: keepingRemains).ending
    }

    /// Waits for the end.
    ///
    /// - Parameter keepingRemains: As for `wait`.
    /// - Returns: Also what the process and those that it has waited for have used.
    ///
    /// The corresponding system call is `waitid` with `P_PIDFD`.
    public func waitMeasuring(
        keepingRemains: Bool = false
    ) throws(Errno) -> (ending: Ending, usage: ProcessUsage) {
        var status: CInt = 0
        var signaled: CInt = 0
        var usage = rusage()
        let keep: CInt = keepingRemains ? 1 : 0
        while unsafe clinux_wait_pidfd(
            pidfd.borrowed.rawValue, keep, &status, &signaled, &usage) != 0
        {
            if errno != EINTR { throw Errno(rawValue: errno) }
        }
        return (signaled != 0 ? .signaled(status) : .exited(status), ProcessUsage(usage))
    }
}

/// This process.
public enum CurrentProcess {
    /// The corresponding C function is `getpid`.
    public static var pid: Int32 { getpid() }

    /// The corresponding C function is `pidfd_open`.
    public static func open() throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(clinux_pidfd_open(getpid()))
    }

    /// Whether it runs from a read-only detached mount of its own binary (CVE-2019-5736).
    public static var isSealed: Bool { clinux_is_sealed() == 1 }

    /// Starts this program anew from such a mount, where its entry point has taken its command for
    /// one that has nothing to do with containers. Returns when that is done, or cannot be.
    public static func seal() {
        if isSealed { return }
        restarting(clinux_seal_now)
    }

    /// Starts this program anew from a copy of its binary that nobody can change. Returns when that
    /// cannot be.
    public static func sealByCopy() { restarting(clinux_seal_copy) }

    /// The limits of the new start's caller are those of this one's.
    private static func restarting(_ restart: () -> Void) {
        guard (try? ResourceLimit.giveBack()) != nil else { return }
        restart()
        ResourceLimit.raiseOwn()
    }

    /// For a process that `ChildProcess.spawn` has made: makes a copy of it, which is a child of its
    /// parent too, and goes on in both.
    ///
    /// - Returns: Whether this is the copy.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PARENT`.
    public static func forkSibling() throws(Errno) -> Bool {
        try check(clinux_fork_sibling()) == 0
    }

    /// The corresponding C function is `prctl` with `PR_SET_PDEATHSIG`.
    public static func setParentDeathSignal(_ signal: CInt) throws(Errno) {
        try checkDone(clinux_set_parent_death_signal(signal))
    }

    /// The corresponding C function is `prctl` with `PR_SET_DUMPABLE`.
    public static func setDumpable(_ dumpable: Bool) throws(Errno) {
        try checkDone(clinux_set_dumpable(dumpable ? 1 : 0))
    }

    /// The corresponding C function is `prctl` with `PR_SET_NO_NEW_PRIVS`.
    public static func setNoNewPrivileges() throws(Errno) {
        try checkDone(clinux_set_no_new_privileges())
    }

    /// The corresponding C function is `setsid`.
    public static func startSession() throws(Errno) {
        _ = try check(setsid())
    }

    /// Leaves the keys of the session that started this process behind: a new keyring, anonymous
    /// and empty.
    ///
    /// The corresponding C function is `keyctl` with `KEYCTL_JOIN_SESSION_KEYRING`.
    public static func startKeyring() throws(Errno) {
        try checkDone(clinux_join_new_session_keyring())
    }

    /// The corresponding C function is `sethostname`.
    public static func setHostName(_ name: String) throws(Errno) {
        try checkDone(unsafe sethostname(name, name.utf8.count))
    }

    /// The corresponding C function is `setdomainname`.
    public static func setDomainName(_ name: String) throws(Errno) {
        try checkDone(unsafe setdomainname(name, name.utf8.count))
    }

    /// The corresponding C function is `fchdir`.
    public static func changeDirectory(_ directory: FileDescriptor) throws(Errno) {
        try checkDone(fchdir(directory.rawValue))
    }

    /// Sets one limit; `UInt64.max` is no limit. The corresponding C function is `prlimit`.
    public static func setLimit(
        _ resource: ResourceLimit, soft: UInt64, hard: UInt64
    ) throws(Errno) {
        try checkDone(clinux_prlimit(resource.rawValue, soft, hard))
    }

    /// Closes every descriptor from 3 on but those of `kept`.
    ///
    /// The corresponding C function is `close_range`.
    public static func closeDescriptors(except kept: [FileDescriptor]) throws(Errno) {
        var first: CUnsignedInt = 3
        for number in kept.map({ CUnsignedInt($0.rawValue) }).sorted() where number >= first {
            if number > first { try checkDone(clinux_close_range(first, number - 1, 0)) }
            first = number + 1
        }
        try checkDone(clinux_close_range(first, .max, 0))
    }

    /// Starts the process that kills what `ChildProcess.spawn` makes afterwards, when this process
    /// is gone, however it went.
    ///
    /// - Parameters:
    ///   - lifeline: This process; must stay open.
    ///   - terminal: A terminal and the settings to put back on it in that case.
    /// - Returns: Its pid, for `endWatchdog`.
    public static func startWatchdog(
        lifeline: FileDescriptor, terminal: TerminalSettings?
    ) throws(Errno) -> Int32 {
        let pid =
            if let terminal {
                unsafe withUnsafePointer(to: terminal.saved) {
                    unsafe clinux_start_watchdog(
                        lifeline.rawValue, terminal.descriptor.rawValue, $0)
                }
            } else {
                clinux_start_watchdog(lifeline.rawValue, -1, nil)
            }
        return try check(pid)
    }

    /// Has the watchdog remove these directories, once the killed process is gone. Processes in them
    /// are killed, but not in those behind an empty path.
    ///
    /// - Parameter directories: Stay in memory for good: a watchdog that could not be ended reads
    ///   them when this process is gone.
    public static func watch(_ directories: CStringArray) {
        _ = unsafe Unmanaged.passRetained(directories)
        unsafe clinux_watch_directories(directories.pointers)
    }

    /// Has the watchdog kill this process, instead of the one that made it.
    public static func watch(_ child: borrowing ChildProcess) {
        clinux_watch(child.borrowed.rawValue)
    }

    /// Has the watchdog kill all processes in the mount namespace of this one too: those that it
    /// has left behind. Holds a descriptor of the namespace until this process ends.
    public static func watchMounts(of child: borrowing ChildProcess) throws(Errno) {
        do {
            try checkDone(clinux_watch_mounts(child.pid))
        } catch where error == .noSuchFileOrDirectory || error == .noSuchProcess {
            // It has ended: its namespace may be gone, and it has left nothing.
        }
    }

    /// The init process has been waited for. The watchdog forgets it, its mount namespace and the
    /// terminal, whose descriptors may close now, and still removes the directories when this process
    /// is killed.
    public static func relieveWatchdog() {
        clinux_relieve_watchdog()
    }

    /// Ends the watchdog: nothing is left to kill. The corresponding C function is `kill`.
    public static func endWatchdog(_ pid: Int32) throws(Errno) {
        try checkDone(clinux_end_watchdog(pid))
    }

    /// Waits for the ended watchdog, so that it is no zombie of whoever adopts it. The corresponding
    /// C function is `waitpid`.
    public static func collectWatchdog(_ pid: Int32) throws(Errno) {
        try checkDone(clinux_collect_watchdog(pid))
    }

    /// Ends at once: no exit handlers, no buffers flushed.
    public static func exit(_ code: CInt) -> Never {
        _exit(code)
    }

    /// Replaces the program; returns only to throw.
    ///
    /// The corresponding C function is `execve`.
    public static func execute(
        _ path: String, arguments: CStringArray, environment: CStringArray
    ) throws(Errno) {
        try checkDone(unsafe execve(path, arguments.pointers, environment.pointers))
    }

    /// Throws unless this process may execute the file, as its user or by its capabilities.
    ///
    /// The corresponding C function is `faccessat` with `X_OK` and `AT_EACCESS`.
    public static func checkMayExecute(_ path: String) throws(Errno) {
        try checkDone(unsafe clinux_may_execute(path))
    }

    /// Ends at once and without a word, as by somebody else's hand.
    ///
    /// The corresponding C function is `kill` with `SIGKILL`.
    public static func killSelf() {
        _ = kill(getpid(), SIGKILL)
    }
}

/// The limits of setrlimit(2), by the name config.json gives them.
public enum ResourceLimit: CInt, Sendable, Hashable, CaseIterable {
    case cpu = 0
    case fileSize, data, stack, core, residentSet, processes, openFiles, lockedMemory
    case addressSpace, locks, pendingSignals, messageQueues, nice, realtimePriority, realtimeTime

    /// The corresponding C constant, as a string: `RLIMIT_NOFILE`.
    public var name: String {
        switch self {
        case .cpu: "RLIMIT_CPU"
        case .fileSize: "RLIMIT_FSIZE"
        case .data: "RLIMIT_DATA"
        case .stack: "RLIMIT_STACK"
        case .core: "RLIMIT_CORE"
        case .residentSet: "RLIMIT_RSS"
        case .processes: "RLIMIT_NPROC"
        case .openFiles: "RLIMIT_NOFILE"
        case .lockedMemory: "RLIMIT_MEMLOCK"
        case .addressSpace: "RLIMIT_AS"
        case .locks: "RLIMIT_LOCKS"
        case .pendingSignals: "RLIMIT_SIGPENDING"
        case .messageQueues: "RLIMIT_MSGQUEUE"
        case .nice: "RLIMIT_NICE"
        case .realtimePriority: "RLIMIT_RTPRIO"
        case .realtimeTime: "RLIMIT_RTTIME"
        }
    }
}

/// A NULL-terminated array of C strings, as `execve` wants it.
@safe
public final class CStringArray: @unchecked Sendable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    public init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            unsafe pointers[index] = strdup(string)
        }
        unsafe pointers[strings.count] = nil
    }

    /// The string at `index`, as it is now: getopt moves them.
    subscript(index: Int) -> String {
        guard index < count, let pointer = unsafe pointers[index] else { return "" }
        return unsafe String(cString: pointer)
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
