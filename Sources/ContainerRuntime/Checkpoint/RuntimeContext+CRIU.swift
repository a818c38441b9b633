internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// A process that this one has made, and waits for.
final class HeldProcess {
    private let child: ChildProcess
    private var hasEnded = false

    init(_ child: consuming ChildProcess) { self.child = child }

    /// Waits for its end, ten seconds at most, and ends it then.
    func wait() throws(Failure) {
        if hasEnded { return }
        let events = try attempt(
            "poll",
            try Poll.wait(
                [(child.borrowed, .readable)], until: Clock.deadline(seconds: 10),
                isInterruptible: false))
        if events[0].isEmpty { try? child.send(signal: Signal.kill) }
        _ = try attempt("waitid", "of criu", try child.wait())
        hasEnded = true
    }
}

extension RuntimeContext {
    /// CRIU takes back what it has done: the container goes on as before.
    ///
    /// - Returns: The error, for which it is abandoned.
    func abandonCRIU(_ error: Failure) -> Failure {
        criu?.end()
        criu = nil
        let process = criuProcess.take()
        // The error is what counts.
        try? process?.wait()
        // That of a restore tells the supervisor of its signal.
        guard process != nil, let signal = Interruption.take() else { return error }
        var interrupted = Failure(
            "signal \(signal) (\(Signal.words(signal))) ended the checkpoint; the container goes on",
            .interrupted)
        interrupted.signal = signal
        return interrupted
    }

    /// Kills the restored processes, which criu would let go on whatever this process says now.
    ///
    /// - Returns: The error, for which they are killed.
    func endRestored(_ error: Failure) -> Failure {
        try? initProcess?.pidfd.send(signal: Signal.kill)
        try? handover.controlGroup?.signalAll(Signal.kill)
        return abandonCRIU(error)
    }
}
