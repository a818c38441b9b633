internal import LinuxSystem
internal import SystemPackage

/// The process that kills the container and removes its control groups when the runtime process has
/// died, however it died.
final class Watchdog {
    private var pid: Int32?
    /// Whether it was killed and is not waited for yet.
    private var hasEnded = false

    /// - Parameter terminal: Gets its settings back in that case.
    init(terminal: TerminalSettings?) throws(StepError) {
        // Never closed: the watchdog looks its number up again whenever it is stopped and goes on,
        // and what else had the number by then would be waited for in its place.
        let lifeline = try stepping("pidfd_open") { () throws(Errno) in
            try CurrentProcess.open().release()
        }
        pid = try stepping("clone", "of the watchdog") { () throws(Errno) in
            try CurrentProcess.startWatchdog(lifeline: lifeline, terminal: terminal)
        }
    }

    /// It has nothing to do any more, and ends while the rest is taken away.
    func end() {
        guard let pid, !hasEnded else { return }
        hasEnded = (try? CurrentProcess.endWatchdog(pid)) != nil
    }

    func collect() {
        guard hasEnded, let pid = pid.take() else { return }
        try? CurrentProcess.collectWatchdog(pid)
    }
}
