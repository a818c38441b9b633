internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

// The signals of the runtime process.
extension Session {
    func nextSignal() throws(Failure) -> CInt? {
        try attempt("read", "signalfd", try signals.next())
    }

    mutating func forwardSignals() throws(Failure) {
        while let signal = try nextSignal() {
            if signal == Signal.childEnded {
                CurrentProcess.reapChildren(except: child.pid)
                continue
            }
            if signal == Signal.windowChange {
                try proxy?.copySize()
                continue
            }
            if Interruption.signals.contains(signal) {
                isToEnd = true
                if !hasStarted || failure != nil || limits.onSignal == .abandons {
                    interruption = interruption ?? signal
                    kill()
                    continue
                }
                if limits.onSignal == .kills {
                    endedBy = endedBy ?? signal
                    kill()
                    continue
                }
            }
            // The first process of a pid namespace gets no signal that it has no handler for
            // (pid_namespaces(7)). A user who presses Ctrl-C means the container to end. Looked
            // at before it is sent: one that waits for it in sigwait(3) has then not moved.
            let isDropped =
                walk.plan.ownsProcesses && !walk.plan.hasInit && !Signal.harmless.contains(signal)
                && child.drops(signal)
            try? child.send(signal: signal)
            if isDropped {
                endedBy = signal
                kill()
            }
        }
    }
}
