internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

// The end of the container: why it comes, and by when.
extension Session {
    /// How long, in seconds, what was killed is waited for.
    static let patience: UInt64 = 10

    static let remains = Failure(
        "the container's processes have not ended within \(patience) s: a process of the host traces"
            + " one of them, or is in a system call that cannot be interrupted; look for them in /proc"
    )

    static let noStart = Failure(
        "the program could not be started in time: a FIFO in the place of one of its streams has no"
            + " other end; remove it, or limit the wall time")

    /// Kills the container, which then has to end.
    mutating func kill() {
        // It may have ended by now.
        try? child.send(signal: Signal.kill)
        boundEnd()
    }

    /// From here on nothing keeps the container but the kernel.
    mutating func boundEnd() {
        lastMoment = lastMoment ?? Clock.deadline(seconds: Session.patience)
    }

    mutating func awaitEnd() throws(Errno) {
        boundEnd()
        let events = try Poll.wait(
            [(child.borrowed, .readable)], until: lastMoment, isInterruptible: false)
        if events[0].isEmpty { throw .timedOut }
        endedAt = endedAt ?? Clock.nanoseconds
    }

    /// Kills the container once it has exceeded a limit.
    ///
    /// - Parameters:
    ///   - ofMemory: Whether the watch for the limits was told that memory has run out.
    ///   - ofDisk: Whether it was told of the disk.
    mutating func enforceLimits(ofMemory: Bool, ofDisk: Bool) {
        watch.lookAtTurns()
        // Once the program has ended the clocks stand still.
        guard exceeded == nil, programsEnd == nil else { return }
        let now = Clock.nanoseconds
        if let deadline = limits.deadline, now >= deadline {
            exceeded = .timedOut
        } else if limits.observer?.look(at: walk.controlGroup, now) == .end {
            exceeded = .stopped
        } else if let name = watch.look(now, ofMemory: ofMemory, ofDisk: ofDisk) {
            exceeded = .exceeded(name)
        } else if !hasStarted, let deadline = limits.startDeadline, now >= deadline {
            failure = failure ?? .lost(Session.noStart)
        } else if let problem = watch.problem {
            failure = failure ?? .lost(problem)
        } else {
            return
        }
        isToEnd = true
        // The container goes on without what exec has made in it.
        if walk.plan.joinsContainer { ProcessTree.endDescendants(of: child.pid) }
        kill()
        // On a busy machine its first process would take turns to end the others.
        if !walk.plan.joinsContainer { ProcessTree.hastenEnd(below: child.pid) }
        // A frozen process dies only when it is thawed.
        walk.thaw()
        // What is left is the kernel's to clean up.
        endedAt = endedAt ?? Clock.nanoseconds
    }

    /// A limit that was exceeded after the last look.
    mutating func lookAtEnd() {
        guard hasStarted, failure == nil else { return }
        do throws(Failure) {
            try lookAtDisk()
            exceeded = exceeded ?? watch.lookAtEnd().map(Ending.exceeded)
        } catch {
            if exceeded == nil { failure = .lost(error) }
        }
    }

    private func lookAtDisk() throws(Failure) {
        try watch.askForDisk()
        while let (disk, deadline) = watch.awaitedDisk {
            let events = try attempt(
                "poll",
                try Poll.wait(
                    [(disk, .readable), (signals.borrowed, .readable)], until: deadline,
                    isInterruptible: false))
            try watch.takeDisk(isReadable: !events[0].isEmpty)
            while !events[1].isEmpty, let signal = try nextSignal() {
                if !Interruption.signals.contains(signal) { continue }
                throw Failure("a signal came before the upper was measured")
            }
        }
    }

    /// What the program wrote last is still in its terminal, or in the pipes. A reader that does not
    /// read holds the runtime up until a signal asks it to end, be it before or after the program's
    /// end.
    mutating func drainStreams() throws(Failure) {
        defer {
            if let problem = relays.lazy.compactMap(\.problem).first {
                failure = failure ?? .lost(problem)
            }
        }
        while let blocked = try proxy?.drain() ?? drainRelays() {
            let patience = Clock.nanoseconds + Session.lastWords * 1_000_000
            let deadline = isToEnd ? patience : limits.deadline.map { max($0, patience) }
            let events = try attempt(
                "poll",
                try Poll.wait(
                    [(signals.borrowed, .readable), (blocked, .writable)], until: deadline,
                    isInterruptible: false))
            if deadline != nil && events[1].isEmpty && events[0].isEmpty { return }
            while !events[0].isEmpty, let signal = try nextSignal() {
                if signal != Signal.childEnded && !Signal.harmless.contains(signal) { return }
            }
        }
    }

    mutating func drainRelays() -> FileDescriptor? {
        for relay in relays {
            if let blocked = relay.drain() { return blocked }
        }
        return nil
    }
}
