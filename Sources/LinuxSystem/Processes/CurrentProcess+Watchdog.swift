internal import CLinux
internal import Glibc
public import SystemPackage

extension CurrentProcess {
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

    /// As `watch`, but the caller keeps `directories` until it names others.
    public static func watch(borrowed directories: CStringArray) {
        unsafe clinux_watch_directories(directories.pointers)
    }

    /// Has the watchdog kill this process, instead of the one that made it.
    public static func watch(_ child: borrowing ChildProcess) {
        clinux_watch(child.borrowed.rawValue)
    }

    /// The same, by its pidfd.
    public static func watch(process: FileDescriptor) { clinux_watch(process.rawValue) }

    /// Has the watchdog kill all processes in the mount namespace of this one too: those that it
    /// has left behind. Holds a descriptor of the namespace until this process ends.
    public static func watchMounts(of child: borrowing ChildProcess) throws(Errno) {
        do {
            try checkDone(clinux_watch_mounts(child.pid))
        } catch  where error == .noSuchFileOrDirectory || error == .noSuchProcess {
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

    /// Waits for the ended watchdog, so that no zombie is left. The corresponding
    /// C function is `waitpid`.
    public static func collectWatchdog(_ pid: Int32) throws(Errno) {
        try checkDone(clinux_collect_watchdog(pid))
    }
}
