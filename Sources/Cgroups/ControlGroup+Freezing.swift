internal import Glibc
public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Stops every process in it; returns when none runs any more.
    public func freeze() throws(Failure) {
        guard let (directory, isVersion2) = directory(of: "freezer") else {
            throw Failure("freeze", "the freezer controller is missing", .notSupported)
        }
        do throws(Failure) {
            if isVersion2 {
                try freezeVersion2(directory)
            } else {
                try freezeVersion1(directory)
            }
        } catch {
            // Half frozen is worse than running.
            try? thaw()
            throw error
        }
    }

    private func freezeVersion2(_ directory: String) throws(Failure) {
        try set(directory, "cgroup.freeze", "1")
        let deadline = Clock.nanoseconds + 2_000_000_000
        let file = directory + "/cgroup.events"
        func isFrozen() throws(Errno) -> Bool {
            let events = try HostPath.open(file, .readOnly)
            let text = String(decoding: try events.borrowed.readShort(), as: UTF8.self)
            if GroupFile.value(in: text, key: "frozen") == 1 { return true }
            // It becomes urgent when it says something else than was read.
            _ = try Poll.wait([(events.borrowed, .urgent)], until: deadline)
            return false
        }
        while Clock.nanoseconds < deadline {
            if try attempt("read", on: file, try isFrozen()) { return }
        }
        throw Failure("freeze", directory.inQuotes, .timedOut)
    }

    /// A process that is being forked slips through; writing again catches it.
    private func freezeVersion1(_ directory: String) throws(Failure) {
        for attempt in 1...1000 {
            if attempt % 50 == 0 {
                // Thawed in between, the processes that hold up the others get on.
                try set(directory, "freezer.state", "THAWED")
                Clock.sleep(microseconds: 10_000)
            }
            try set(directory, "freezer.state", "FROZEN")
            if attempt % 25 == 0 { Clock.sleep(microseconds: 10) }
            if GroupFile.read(directory, "freezer.state") == "FROZEN" { return }
        }
        throw Failure("freeze", directory.inQuotes, .timedOut)
    }

    /// Lets its processes go on.
    public func thaw() throws(Failure) {
        guard let (directory, isVersion2) = directory(of: "freezer") else { return }
        try set(
            directory, isVersion2 ? "cgroup.freeze" : "freezer.state", isVersion2 ? "0" : "THAWED")
    }

    /// Whether it was frozen itself, not by one above.
    public var isFrozen: Bool {
        guard let (directory, isVersion2) = directory(of: "freezer") else { return false }
        return GroupFile.read(directory, isVersion2 ? "cgroup.freeze" : "freezer.self_freezing")
            == "1"
    }

    /// Sends a signal to every process in it. After SIGKILL none is left that could make another.
    public func signalAll(_ signal: CInt) throws(Failure) {
        if signal == SIGKILL, let version2 {
            do throws(Errno) {
                try GroupFile.write(version2, "cgroup.kill", "1")
            } catch .noSuchFileOrDirectory {
                // Gone; what else it might be is found out below.
            } catch {
                throw Failure("write", "\"\(version2)/cgroup.kill\"", error)
            }
            // The freezer of version 1 keeps a process from dying.
            if directory(of: "freezer")?.isVersion2 == false, isFrozen { try thaw() }
            if try processes().isEmpty { return }
        }
        let wasFrozen = isFrozen
        // Frozen they can neither fork away nor hand their number on. Where that fails, signals
        // are sent until no new process is found.
        let holdsStill = (try? freeze()) != nil
        var seen: Set<Int32> = []
        for _ in 0..<(holdsStill ? 1 : 100) {
            let fresh = try processes().filter { $0 > 0 && seen.insert($0).inserted }
            if fresh.isEmpty { break }
            for pid in fresh {
                try attempt("kill", "\(pid)", try Signal.send(signal, to: pid))
            }
        }
        // A process must run to die.
        if holdsStill, !wasFrozen || signal == SIGKILL { try thaw() }
    }

    private func set(
        _ directory: String, _ file: String, _ value: String
    ) throws(Failure) {
        try attempt(
            "write", on: "\(directory)/\(file)", try GroupFile.write(directory, file, value))
    }
}
