internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The container's name is taken, and its config written down as it is now: later changes of the
/// bundle do not reach it.
struct ReserveContainer: Step {
    let container: Configuration.Container
    let state: ContainerState
    let hooks: Configuration.Hooks
    let document: JSONDocument

    let side = Side.runtime
    var summary: String { "take the container id \(container.id.text) in \(container.store.root)" }
    let undoing = "the directory goes with the container"

    func apply(_ context: StartContext) throws(StepError) {
        // The fifo's mode is not the caller's business.
        Credentials.setFileModeMask(0)
        let stored = try container.store.reserve(container.id)
        var state = state
        state.hooks = Configuration.Hooks.Kind.allCases.filter { !hooks[$0].isEmpty }
        context.container = stored
        context.state = state
        context.undoing.append(Reservation(container: stored, state: state, hooks: hooks.poststop))
        let directory = stored.directory.borrowed
        try stepping("write", "the state of \(container.id.text)") { () throws(Errno) in
            try stored.write(state)
            let config = try directory.open(
                ContainerStore.configName, [.create, .exclusive, .writeOnly], mode: 0o600)
            try config.borrowed.write(all: document.bytes)
        }
        guard container.waits else { return }
        context.fifo = try stepping("mkfifo", ContainerStore.fifoName) { () throws(Errno) in
            // The container's user opens it, through the descriptor.
            try directory.makeNode(
                ContainerStore.fifoName, mode: 0o010_622, device: DeviceNumber(major: 0, minor: 0))
            return HeldDescriptor(try directory.open(ContainerStore.fifoName, .path))
        }
    }
}

/// The directory of a container that has come to its end, or has never come to be.
private struct Reservation: Undoing {
    let container: StoredContainer
    let state: ContainerState
    let hooks: [Configuration.Hook]

    func undo() throws(RuntimeError) {
        do {
            // Let go of while the program ran: somebody else may have removed it.
            try container.lock()
        } catch {
            return
        }
        try container.destroy(state, poststop: hooks)
    }
}

/// The descriptors that the caller passes on are there. Looked at before anything is made: a number
/// that is free now could be one of the runtime's own later.
struct RequireDescriptors: Step {
    /// How many, from 3 on, by `LISTEN_FDS` and by `--preserve-fds`.
    let listening: Int
    let preserved: Int

    let side = Side.runtime
    var summary: String { "pass on the descriptors 3 to \(2 + listening + preserved)" }
    let undoing = "they are the caller's"

    func apply(_ context: StartContext) throws(StepError) {
        for number in 3..<3 + listening + preserved
        where !FileDescriptor(rawValue: CInt(number)).isInherited {
            if number < 3 + listening {
                throw StepError(
                    "LISTEN_FDS is \(listening), but descriptor \(number) is not open")
            }
            throw StepError(
                "unable to stat preserved-fd \(number) (of \(preserved)):"
                    + " descriptor \(number) is not open; leave it open, or ask for fewer by"
                    + " --preserve-fds")
        }
    }
}

/// Where the program says that it is ready; `start` listens there for one that waits for it.
struct PrepareReadiness: Step {
    /// The caller's `NOTIFY_SOCKET`.
    let host: String
    let listens: Bool

    let side = Side.runtime
    var summary: String { "pass on to \(host) that the program is ready" }
    let undoing = "the directory goes with the container"

    func apply(_ context: StartContext) throws(StepError) {
        guard let container = context.container else {
            throw StepError("the plan has no container at this point")
        }
        try stepping("bind", ReadinessProxy.name) { () throws(Errno) in
            let directory = container.directory.borrowed
            try directory.makeDirectory(ReadinessProxy.directory, mode: 0o755)
            if !listens { return }
            let folder = try directory.open(ReadinessProxy.directory, [.readOnly, .directory])
            context.readiness = try ReadinessProxy(in: folder.borrowed, host: host)
        }
    }
}

/// From here on the container lives without the runtime process.
struct LetGo: Step {
    let side = Side.container
    let summary = "outlive the runtime process"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("prctl", "PR_SET_PDEATHSIG") { () throws(Errno) in
            try CurrentProcess.setParentDeathSignal(0)
        }
    }
}

/// The container is created: whoever asks for its state finds it.
struct RecordContainer: Step {
    let namespaces: NamespaceSet
    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool

    let side = Side.runtime
    let summary = "write the container down as created"
    let undoing = "the directory goes with the container"

    func apply(_ context: StartContext) throws(StepError) {
        guard let container = context.container, var state = context.state,
            let process = context.initProcess
        else { throw StepError("the plan has no container at this point") }
        try stepping("write", "the state of \(container.id.text)") { () throws(Errno) in
            state.process = try ProcessIdentity(of: process.pid)
            state.namespaces = namespaces.rawValue
            state.ownsProcesses = ownsProcesses
            try container.write(state)
        }
        context.state = state
        context.isRecorded = true
    }
}

/// `--pid-file`: decimal digits, no newline.
struct WritePIDFile: Step {
    let path: String

    let side = Side.runtime
    var summary: String { "write the pid to \(path)" }
    let undoing = "the file stays"

    func apply(_ context: StartContext) throws(StepError) {
        let process = try context.madeProcess()
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        try stepping("write", path.inQuotes) { () throws(Errno) in
            let directory = try HostPath.open(parent, [.path, .directory])
            try directory.borrowed.replaceFile(
                name, with: Array(String(process.pid).utf8), mode: 0o644)
        }
    }
}

/// `--pidfd-socket`: whoever listens there gets the pidfd.
struct SendPIDFD: Step {
    let path: String
    /// What goes with it.
    let word: String

    let side = Side.runtime
    var summary: String { "send the pidfd to \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        let process = try context.madeProcess()
        try stepping("sendmsg", path.inQuotes) { () throws(Errno) in
            let socket = try HostPath.connect(path)
            try socket.borrowed.send(Array(word.utf8), passing: process.pidfd)
        }
    }
}

/// What the init process needs to open the gate, taken while it may still mount.
struct PrepareGate: Step {
    /// Whether another process will wait, in a pid namespace that the container joins: the host's
    /// procfs must not be found there, and this process's pages are not those of the other.
    let isInJoined: Bool

    let side = Side.container
    let summary = "prepare to wait for the start"

    func apply(_ context: StartContext) throws(StepError) {
        if isInJoined {
            try context.openJoinedProc()
            guard let proc = context.joinedProc else {
                throw StepError(
                    "no procfs of the pid namespace that is joined can be mounted here; join the user"
                        + " namespace that it belongs to as well")
            }
            context.privateProc = proc
            return
        }
        let proc = try context.openPrivateProc()
        // Where there is none, or it may not be read, the container waits with more memory.
        context.pageMap = try? proc.directory.borrowed.openPageMap().release()
    }
}

/// Waits until somebody reads from exec.fifo. What happens from here on is reported through it: its
/// end is the program's start.
struct AwaitStart: Step {
    let side = Side.container
    let summary = "wait for the start"

    /// What the reader gets first.
    static let opened: [UInt8] = [UInt8(ascii: "0")]

    func apply(_ context: StartContext) throws(StepError) {
        guard let fifo = context.fifo, let proc = context.privateProc else {
            throw StepError("the plan has no gate at this point")
        }
        context.channel = nil
        // It may be a long time. Without a handler the first process of a pid namespace would not
        // even notice that somebody wants it to end.
        let pageMap = context.pageMap.take()
        let gate = try stepping("open", ContainerStore.fifoName) { () throws(Errno) in
            try Signal.endQuietly()
            return try fifo.borrowed.reopenAtRest(
                through: proc.directory.borrowed, .writeOnly, pageMap: pageMap)
        }
        try stepping("write", ContainerStore.fifoName) { () throws(Errno) in
            try gate.borrowed.write(all: AwaitStart.opened)
        }
        context.gate = HeldDescriptor(gate)
        context.fifo = nil
        context.privateProc = nil
    }
}
