public import Cgroups
public import JSON
public import LinuxSystem
public import OCISpec
internal import SystemPackage

/// What can be done with a container that exists.
extension StoredContainer {
    private func error(_ sentence: String) -> RuntimeError { RuntimeError(sentence) }

    func known() throws(RuntimeError) -> ContainerState {
        guard let state = try state() else {
            throw error("container \"\(id.text)\" does not exist: its creation has not come so far")
        }
        try state.groups.requireGenuine(id)
        return state
    }

    // MARK: state, list

    /// Its state, as `state` and `list` print it.
    ///
    /// - Parameter withOwner: The owner's name instead of nothing, as `list` has it.
    public func report() throws(RuntimeError) -> Report {
        let state = try known()
        let status = status(state)
        return Report(state: state, status: status)
    }

    /// What is told of a container. Small: there may be many.
    public struct Report: Sendable {
        public let id: String
        public let bundle: String
        public let created: String
        public let ownerID: UInt32
        /// 0 where no process is left.
        public let pid: Int32
        public let status: ContainerStatus
        private let ociVersion: String
        private let rootfs: String
        private let annotations: [(key: String, value: String)]

        init(state: borrowing ContainerState, status: ContainerStatus) {
            id = state.id
            bundle = state.bundle
            created = state.created
            ownerID = state.owner
            pid = status == .stopped ? 0 : state.process?.pid ?? 0
            self.status = status
            ociVersion = state.ociVersion
            rootfs = state.rootfs
            annotations = state.annotations
        }

        /// - Parameter owner: Whose name it has.
        public func json(owner: String) -> JSONOutput {
            var members: [(key: String, value: JSONOutput)] = [
                ("ociVersion", .string(ociVersion)), ("id", .string(id)),
                ("pid", .integer(Int64(pid))), ("status", .string(status.rawValue)),
                ("bundle", .string(bundle)), ("rootfs", .string(rootfs)),
                ("created", .string(created)),
            ]
            if !annotations.isEmpty {
                members.append(
                    ("annotations", .object(annotations.map { ($0.key, .string($0.value)) })))
            }
            members.append(("owner", .string(owner)))
            return .object(members)
        }
    }

    // MARK: start

    /// Whether the init process has become the program; nil when it has ended and somebody else has
    /// waited for it already: then nobody can tell any more.
    func hasStarted(_ state: ContainerState) -> Bool? {
        guard let process = state.process, let status = try? ProcessIdentity.status(process.pid),
            status.startTime == process.startTime
        else { return nil }
        return status.hasExecuted
    }

    func hooks() throws(RuntimeError) -> Configuration.Hooks {
        try spec().hooks.map(Configuration.Hooks.init) ?? Configuration.Hooks()
    }

    /// Reads what the init process says through exec.fifo, until it has become the program or has
    /// ended.
    func openGate(_ state: ContainerState) throws(SystemCallError) -> [UInt8] {
        let name = ContainerStore.fifoName
        let found = try attempt("pidfd_open") { () throws(Errno) in try state.process?.held() }
        guard let process = found else { return [] }
        let gate = try attempt("open", name) { () throws(Errno) in
            try directory.borrowed.open(name, [.readOnly, .nonBlocking])
        }
        var words: [UInt8] = []
        while true {
            let events = try attempt("poll") { () throws(Errno) in
                try Poll.wait([(gate.borrowed, .readable), (process.borrowed, .readable)])
            }
            let more = try attempt("read", name) { () throws(Errno) in
                try gate.borrowed.readSome(Channel.capacity)
            }
            words += more ?? []
            // Its end: of the writer, or of the process that would have been one.
            if more?.isEmpty == true && (!events[0].isEmpty || !events[1].isEmpty) { return words }
        }
    }

    // MARK: kill, pause, resume, ps

    /// Sends a signal to the container's first process, or to all of them.
    ///
    /// - Parameter all: Also where the first one is gone.
    public func kill(_ signal: CInt, all: Bool = false) throws(RuntimeError) {
        let state = try known()
        let status = status(state)
        let group = state.groups.controlGroup
        // Without a pid namespace of its own nothing else would end the rest.
        let meansAll = all || (signal == Signal.kill && !state.ownsProcesses)
        do throws(SystemCallError) {
            if meansAll && !state.groups.cgroup.isEmpty {
                let processes = try group.processes()
                if !processes.isEmpty { return try group.signalAll(signal) }
            }
        } catch {
            throw self.error("unable to kill all processes: \(error)")
        }
        if all && status == .stopped { return }
        if status == .stopped || status == .creating { throw error("container not running") }
        try send(signal, state)
        // What is frozen would die only when it is let go of.
        if status == .paused && signal == Signal.kill { try? group.thaw() }
    }

    public func pause() throws(RuntimeError) {
        let state = try known()
        let status = status(state)
        if status != .running && status != .created { throw error("container not running") }
        if state.groups.cgroup.isEmpty { throw error(StoredContainer.noControlGroup) }
        do {
            try state.groups.controlGroup.freeze()
        } catch {
            throw self.error("the container cannot be paused: \(error)")
        }
    }

    public func resume() throws(RuntimeError) {
        let state = try known()
        if status(state) != .paused { throw error("container not paused") }
        do {
            try state.groups.controlGroup.thaw()
        } catch {
            throw self.error("the container cannot be resumed: \(error)")
        }
    }

    private static let noControlGroup =
        "the container has no control group; it was created with --cgroup-manager disabled"

    /// The pids of its processes, as seen here.
    public func processes() throws(RuntimeError) -> [Int32] {
        let state = try known()
        if state.groups.cgroup.isEmpty {
            guard let process = state.process, process.isAlive else { return [] }
            return state.ownsProcesses ? process.withNamespaceMates : [process.pid]
        }
        do {
            return try state.groups.controlGroup.processes()
        } catch {
            throw self.error(error.description)
        }
    }

    func send(_ signal: CInt, _ state: ContainerState) throws(RuntimeError) {
        do throws(Errno) {
            guard let process = try state.process?.held() else {
                throw Errno.noSuchProcess
            }
            try process.borrowed.send(signal: signal)
        } catch .noSuchProcess {
            throw error("container not running")
        } catch {
            throw self.error("signal \(signal) cannot be sent: \(error.words)")
        }
    }

    // MARK: update, events

    /// Changes its limits; what is nil in them stays as it is.
    ///
    /// - Parameters:
    ///   - l3CacheSchema: Of `linux.intelRdt`.
    ///   - memoryBandwidthSchema: Likewise.
    public func update(
        _ resources: Resources, l3CacheSchema: String? = nil, memoryBandwidthSchema: String? = nil
    ) throws(RuntimeError) {
        _ = try running()
        // Another update, and what removes the container, write the state too.
        try lock()
        defer { unlock() }
        var state = try running()
        if l3CacheSchema != nil || memoryBandwidthSchema != nil {
            guard let group = state.groups.resctrl else {
                throw error(
                    "updating a non-existent Intel RDT configuration is not supported: the container"
                        + " was created without linux.intelRdt")
            }
            do {
                try group.update(
                    l3CacheSchema: l3CacheSchema, memoryBandwidthSchema: memoryBandwidthSchema)
            } catch {
                throw self.error(error.sentence)
            }
        }
        var group = state.groups.controlGroup
        let known = group.paths.count
        do {
            try group.update(resources)
        } catch {
            // What it has entered before that is noted all the same.
            if group.paths.count > known { try? note(group, &state) }
            throw self.error(error.sentence)
        }
        if group.paths.count > known { try note(group, &state) }
    }

    /// Whoever removes the container has to find what an update has made.
    private func note(
        _ group: ControlGroup, _ state: inout ContainerState
    ) throws(RuntimeError) {
        state.groups.cgroup = group.paths
        state.groups.parents = group.parents
        do {
            try announce(state.groups)
            try write(state)
        } catch {
            throw self.error("the state cannot be written: \(error.words)")
        }
    }

    /// What it uses, as an event.
    public func statistics() throws(RuntimeError) -> JSONOutput {
        let state = try known()
        if status(state) == .stopped {
            throw error("container with id \(id.text) is not running")
        }
        return .object([
            ("type", .string("stats")), ("id", .string(id.text)),
            ("data", state.groups.controlGroup.statistics(resctrl: state.groups.resctrl)),
        ])
    }

    /// - Parameter otherwise: What is said of one that does not run.
    func running(
        _ otherwise: String = "container not running"
    ) throws(RuntimeError) -> ContainerState {
        let state = try known()
        let status = status(state)
        if status == .stopped || status == .creating { throw error(otherwise) }
        return state
    }

    // MARK: delete

    /// Kills it and waits until it is gone.
    func end(_ state: ContainerState) throws(RuntimeError) {
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
            throw error("container init still running ten seconds after it was killed")
        } catch {
            throw self.error("the container cannot be killed: \(error.words)")
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
