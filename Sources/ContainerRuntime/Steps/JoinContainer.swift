internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// Makes a process inside a container that exists.
///
/// It joins the namespaces and does there what takes rights. Of the pid namespace only its children
/// are: it makes one, with the program's rights and nothing of the host's, when all that is done
/// (`EnterProcesses`). Nobody inside ever sees a process that can do more (CVE-2016-9962,
/// CVE-2024-21626). That one is a child of the runtime process, which joins nothing itself.
struct JoinContainer: SpawningStep {
    let id: ContainerID
    let process: ProcessIdentity
    let namespaces: NamespaceSet
    /// How many descriptors, from 3 on, the caller passes on.
    let preserved: Int
    let controlGroup: ControlGroup
    /// `--cgroup`: where below the container's, for all hierarchies or those of some controllers.
    let inner: [Configuration.JoinedContainer.InnerControlGroup]
    let resctrlGroup: ResctrlGroup?
    /// Its standard streams are not the caller's.
    let hasTerminal: Bool
    /// The CPUs until the control group's count.
    let affinity: NumberSet?
    /// Whether it takes the host's procfs along, to say in it what it is to be: in the container's it
    /// has no number. Nobody inside sees it.
    let takesProc: Bool

    var summary: String {
        "make a process in the namespaces of \(id.text): \(namespaces.names.joined(separator: ", "))"
    }

    func spawn(
        _ context: StartContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(StepError) -> ChildProcess {
        let held = try stepping("pidfd_open", "\(process.pid)") { () throws(Errno) in
            try process.held()
        }
        guard let container = held else {
            throw StepError("container not running: its init process is gone")
        }
        // Nobody may look into what is made from here on. The program gets it back by exec.
        try stepping("prctl", "PR_SET_DUMPABLE") { () throws(Errno) in
            try CurrentProcess.setDumpable(false)
        }
        // Of its own: what the new process has to say later goes another way.
        let pair = try stepping("socketpair") { () throws(Errno) in try Channel.Pair() }
        let near = pair.near.borrowed
        let answers = pair.far.borrowed
        // Until it has its own terminal it has nothing: not the caller's, which is the host's.
        let nothing = try stepping("pipe2") { () throws(Errno) in try hasTerminal ? Pipe() : nil }
        var kept = [channel, far, answers]
        if takesProc { kept.append(try context.openHostProc()) }
        for number in 3..<3 + CInt(preserved) { kept.append(FileDescriptor(rawValue: number)) }
        let controlGroup = controlGroup.knowingManager
        // What is made in its cgroup need not be moved there, which is slow; the CPUs that the
        // config wants first have to be set before.
        let place = inner.isEmpty && affinity == nil ? opened(controlGroup.version2) : nil
        func spawn(in place: HeldDescriptor?) throws(Errno) -> ChildProcess {
            try ChildProcess.spawn([], controlGroup: place?.borrowed) {
                ProcessWords.erase()
                _ = OwnedDescriptor(near)
                let held = OwnedDescriptor(answers)
                var answer = InitMessage.spawned(pid: 0)
                do throws(StepError) {
                    try setAffinity()
                    try enter(controlGroup, isInVersion2: place != nil)
                } catch {
                    answer = .failed(step: 0, exitCode: nil, message: error.message)
                }
                if case .spawned = answer {
                    do throws(Errno) {
                        for stream in 0..<3 {
                            try nothing?.reader?.become(standardStream: CInt(stream))
                        }
                        try container.borrowed.joinNamespace(namespaces)
                        try CurrentProcess.closeDescriptors(except: kept)
                    } catch {
                        answer = .notSpawned(errno: error.rawValue)
                    }
                }
                // Where it fails, the runtime finds nothing to read.
                do throws(Errno) {
                    try answers.write(all: answer.encoded)
                } catch {
                    CurrentProcess.exit(125)
                }
                _ = consume held
                guard case .spawned = answer else { CurrentProcess.exit(0) }
                body()
            }
        }
        let made = try stepping("clone3") { () throws(Errno) in
            guard let place else { return try spawn(in: nil) }
            do throws(Errno) {
                return try spawn(in: place)
            } catch {
                // It is divided, or of another part of the tree: what can be done it does itself,
                // and says what cannot.
                return try spawn(in: nil)
            }
        }
        return try follow(made, pair.takeNear())
    }

    /// Until it has joined everything, or has said what keeps it from that.
    private func follow(
        _ made: consuming ChildProcess, _ channel: consuming Channel
    ) throws(StepError) -> ChildProcess {
        let answers = channel
        let answer = try stepping("recvmsg") { () throws(Errno) in
            try answers.borrowed.receiveBytes(Channel.capacity)
        }
        let failure: StepError
        switch answer.flatMap({ InitMessage($0) }) {
        case .spawned: return made
        case .notSpawned(let number):
            let error = Errno(rawValue: number)
            failure = StepError(
                SystemCallError("setns", "to the namespaces of \(id.text)", error),
                error == .notPermitted && Credentials.effectiveUser != 0
                    ? "one that has not started yet hides itself from all but root; start it first"
                    : nil)
        case .failed(_, _, let message): failure = StepError(message)
        default: failure = StepError("the process that joins has ended without a word")
        }
        _ = try stepping("waitid") { () throws(Errno) in try made.wait() }
        throw failure
    }
}

/// The process that `exec` makes, or that prepares a container which joins a pid namespace, becomes
/// one of the processes there: it makes a copy of itself in the pid namespace, and ends.
///
/// Behind the last step that takes more rights than the program has. Until here no number inside
/// stands for it; from here on a program with CAP_SYS_PTRACE can look into it, and finds no right that
/// it could not have itself, no descriptor of the host and neither the caller's environment nor its
/// arguments (CVE-2016-9962).
struct EnterProcesses: Step {
    let side = Side.container
    let summary = "become a process of the pid namespace"

    func apply(_ context: StartContext) throws(StepError) {
        guard let channel = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        let isCopy = try stepping(
            "clone3", "in the pid namespace",
            advice: {
                switch $0 {
                case .resourceTemporarilyUnavailable:
                    "the container has as many processes as linux.resources.pids allows, or is"
                        + " scheduled by SCHED_DEADLINE"
                case .noMemory: "the pid namespace has ended with its first process"
                case .notPermitted, .noFunction:
                    "without noNewPrivileges the seccomp profile has to allow clone3 or clone"
                default: nil
                }
            }
        ) { () throws(Errno) in try CurrentProcess.forkSibling() }
        if !isCopy { CurrentProcess.exit(0) }
        // Of the process that was copied.
        try TieToRuntime().apply(context)
        try stepping("write", "to the runtime process") { () throws(Errno) in
            try channel.channel.borrowed.write(all: InitMessage.entered.encoded)
        }
    }
}

/// The watchdog knows the process that the runtime process has made. From here on it has to end the
/// copy, which waits for that.
struct WatchProcess: Step {
    let side = Side.runtime
    let summary = "have the watchdog end this process with the runtime process"

    func apply(_ context: StartContext) throws(StepError) {
        CurrentProcess.watch(process: try context.madeProcess().pidfd)
    }
}

/// The terminal takes the place of the caller's streams before a process of another container can
/// look into this one. It controls the session that comes behind.
struct TakeTerminal: Step {
    let side = Side.container
    let summary = "take the terminal as the standard streams"

    func apply(_ context: StartContext) throws(StepError) {
        guard let peer = context.terminalPeer else {
            throw StepError("the plan has not opened a terminal")
        }
        try stepping("dup2", "of the terminal") { () throws(Errno) in
            for stream in 0..<3 as Range<CInt> {
                try peer.borrowed.become(standardStream: stream)
            }
        }
    }
}

/// The host's procfs, for the process that prepares a container and has no number in the pid
/// namespace that the container joins.
struct OpenHostProc: Step {
    let side = Side.runtime
    let summary = "open the host's procfs"

    func apply(_ context: StartContext) throws(StepError) {
        _ = try context.openHostProc()
    }
}

/// RLIMIT_NPROC counts the processes of the program's user, and for a moment there is one more than
/// there will be. Before the user changes, who may raise nothing.
struct LiftProcessLimit: Step {
    let side = Side.container
    let summary = "lift the limit of processes while the process is made"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("prlimit", "RLIMIT_NPROC") { () throws(Errno) in
            context.processLimit = try CurrentProcess.limit(.processes)
            do throws(Errno) {
                try CurrentProcess.setLimit(.processes, soft: .max, hard: .max)
            } catch .notPermitted {
                // Then it counts both.
            }
        }
    }
}

/// The limit of processes, or the runtime's own where the config has none.
struct SetProcessLimit: Step {
    let limit: Configuration.Limit?

    let side = Side.container
    var summary: String {
        limit.map { SetLimit(limit: $0).summary } ?? "put the limit of processes back"
    }

    func apply(_ context: StartContext) throws(StepError) {
        if let limit { return try SetLimit(limit: limit).apply(context) }
        guard let found = context.processLimit else {
            throw StepError("the plan has not lifted the limit of processes")
        }
        try stepping("prlimit", "RLIMIT_NPROC") { () throws(Errno) in
            try CurrentProcess.setLimit(.processes, soft: found.soft, hard: found.hard)
        }
    }
}

extension JoinContainer {
    private func opened(_ directory: String?) -> HeldDescriptor? {
        guard let directory, let opened = try? HostPath.open(directory, [.readOnly, .directory])
        else { return nil }
        return HeldDescriptor(opened)
    }

    /// Before the control group is entered: the move itself then does not wake its CPUs up.
    private func setAffinity() throws(StepError) {
        guard let affinity else { return }
        try stepping("sched_setaffinity", "before the control group is entered") {
            () throws(Errno) in
            try CurrentProcess.setAffinity(affinity)
        }
    }

    /// What is made from here on is counted and limited with the container.
    private func enter(
        _ controlGroup: ControlGroup, isInVersion2: Bool
    ) throws(StepError) {
        do throws(ControlGroupError) {
            try controlGroup.add(
                process: 0,
                inner: inner.map { ControlGroup.Inner(controllers: $0.controllers, path: $0.path) },
                joining: process.pid, isInVersion2: isInVersion2)
            try resctrlGroup?.add(process: 0)
        } catch {
            // What runc says there.
            throw StepError("error adding pid to cgroups: \(error.sentence)")
        }
    }
}

/// The root of the container whose namespaces the process has joined.
struct OpenRoot: Step {
    let side = Side.container
    let summary = "open the container's root"

    func apply(_ context: StartContext) throws(StepError) {
        context.root = try stepping("open", "\"/\"") { () throws(Errno) in
            HeldRoot(RootDirectory(try HostPath.open("/", [.path, .directory])))
        }
    }
}
