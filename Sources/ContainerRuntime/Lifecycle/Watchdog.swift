internal import LinuxSystem

/// The process that kills the container and removes its control groups when the runtime process has
/// died, however it died.
final class Watchdog {
    let pid: Int32

    init(_ pid: Int32) { self.pid = pid }

    /// The container has ended: its control groups are all that is left to watch.
    func relieve() { CurrentProcess.relieveWatchdog() }

    func end() {
        guard (try? CurrentProcess.endWatchdog(pid)) != nil else { return }
        try? CurrentProcess.collectWatchdog(pid)
    }
}
