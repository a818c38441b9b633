internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `start`
extension StoredContainer {
    /// Whether the init process has become the program; nil when it has ended and another process
    /// has waited for it already: then it is unknown.
    func hasStarted(_ state: ContainerState) throws(Failure) -> Bool? {
        guard let process = state.programProcess else { return nil }
        do throws(Errno) {
            let status = try ProcessIdentity.status(process.pid)
            return status.startTime == process.startTime ? status.hasExecuted : nil
        } catch .noSuchProcess {
            return nil
        } catch {
            throw Failure(
                "whether the program has started cannot be told: /proc/\(process.pid)/stat:"
                    + " \(error.words)")
        }
    }

    func hooks() throws(Failure) -> Configuration.Hooks {
        try spec().hooks.map(Configuration.Hooks.init) ?? Configuration.Hooks()
    }

    /// Reads what the init process says through exec.fifo, until it has become the program or has
    /// ended.
    func openGate(_ state: ContainerState) throws(Failure) -> [UInt8] {
        let name = ContainerStore.fifoName
        let found = try attempt("pidfd_open", try state.process?.held())
        guard let process = found else { return [] }
        let gate = try attempt(
            "open", name, try directory.borrowed.open(name, [.readOnly, .nonBlocking]))
        var words: [UInt8] = []
        while true {
            let events = try attempt(
                "poll", try Poll.wait([(gate.borrowed, .readable), (process.borrowed, .readable)]))
            let more = try attempt("read", name, try gate.borrowed.readSome(Channel.capacity))
            words += more ?? []
            // Its end: of the writer, or of the process that would have been one.
            if more?.isEmpty == true && (!events[0].isEmpty || !events[1].isEmpty) { return words }
        }
    }
}
