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

    /// Makes a process beside the container that runs `body`: a copy of this one. The watchdog knows
    /// it before it takes its first step.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PIDFD`.
    static func spawnCompanion(_ body: @escaping () -> Never) throws(Errno) -> ChildProcess {
        let held = Body(body)
        var pidfd: CInt = -1
        let pid = try check(
            unsafe clinux_spawn_companion(
                &pidfd, Body.call, Unmanaged.passUnretained(held).toOpaque()))
        return withExtendedLifetime(held) {
            ChildProcess(pidfd: OwnedDescriptor(FileDescriptor(rawValue: pidfd)), pid: pid)
        }
    }

    /// Makes a process that runs `body` beside this one: a copy of it. The watchdog does not know it.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PIDFD`.
    static func spawnBeside(_ body: @escaping () -> Never) throws(Errno) -> ChildProcess {
        let held = Body(body)
        var pidfd: CInt = -1
        let pid = try check(
            unsafe clinux_spawn_beside(
                &pidfd, Body.call, Unmanaged.passUnretained(held).toOpaque()))
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
    /// this process, and no other process may trace it, whatever user namespace it joins.
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
    ///
    /// - Throws: `Errno.noChildProcess` for a process with another parent.
    ///
    /// The corresponding C functions are `pidfd_open` and `waitid`.
    public init(child pid: Int32) throws(Errno) {
        let opened = try OwnedDescriptor.adopt(clinux_pidfd_open(pid))
        try checkDone(clinux_is_child(opened.borrowed.rawValue))
        self.init(pidfd: opened, pid: pid)
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

    /// Its pidfd alone.
    public consuming func release() -> OwnedDescriptor { pidfd }

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
        var measured = ProcessUsage(usage)
        measured.hasCore = signaled == 2
        return (signaled != 0 ? .signaled(status) : .exited(status), measured)
    }
}
