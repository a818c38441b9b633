internal import Cgroups
public import LinuxSystem
internal import SystemPackage

/// `kill`, and what `start` and `delete` end a container by
extension StoredContainer {
    /// Sends a signal to the container's first process, or to all of them.
    ///
    /// - Parameter all: Also where the first one is gone.
    public func kill(_ signal: CInt, all: Bool = false) throws(Failure) {
        let state = try known()
        let status = try status(state)
        let group = state.groups.controlGroup
        // Without a pid namespace of its own nothing else would end the rest.
        // With its own nothing is left of a stopped one, and others may have its cgroup by now.
        if status == .stopped && state.ownsProcesses {
            if all { return }
            throw Failure("container not running")
        }
        let meansAll = all || (signal == Signal.kill && !state.ownsProcesses)
        do throws(Failure) {
            if meansAll && !state.groups.cgroup.isEmpty {
                let processes = try group.processes()
                if !processes.isEmpty { return try group.signalAll(signal) }
            }
        } catch {
            throw Failure("unable to kill all processes: \(error)")
        }
        if all && status == .stopped { return }
        if status == .stopped || status == .creating { throw Failure("container not running") }
        try send(signal, state)
        // What is frozen would die only when it is let go of.
        if status == .paused && signal == Signal.kill { try? group.thaw() }
    }

    func send(_ signal: CInt, _ state: ContainerState) throws(Failure) {
        do throws(Errno) {
            guard let process = try state.process?.held() else {
                throw Errno.noSuchProcess
            }
            try process.borrowed.send(signal: signal)
        } catch .noSuchProcess {
            throw Failure("container not running")
        } catch {
            throw Failure("signal \(signal) cannot be sent: \(error.words)")
        }
    }

    /// Kills it and waits until it is gone.
    func end(_ state: ContainerState) throws(Failure) {
        do throws(Errno) {
            guard let process = try state.process?.held() else { return }
            try process.borrowed.send(signal: Signal.kill)
            // What is frozen would die only when it is let go of.
            if !state.groups.cgroup.isEmpty { try? state.groups.controlGroup.thaw() }
            let events = try Poll.wait(
                [(process.borrowed, .readable)], until: Clock.nanoseconds + 10_000_000_000)
            if events[0].isEmpty {
                throw Errno.timedOut
            }
        } catch .noSuchProcess {
            return
        } catch .timedOut {
            throw Failure("container init still running ten seconds after it was killed")
        } catch {
            throw Failure("the container cannot be killed: \(error.words)")
        }
    }
}

extension ProcessIdentity {
    /// Its pidfd, nil when it is gone.
    func held() throws(Errno) -> HeldDescriptor? {
        guard let descriptor = try open() else { return nil }
        return HeldDescriptor(descriptor)
    }
}
