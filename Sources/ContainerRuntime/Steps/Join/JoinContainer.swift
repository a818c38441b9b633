internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `exec`: makes a process inside a container that exists.
///
/// Of the pid namespace only its children are: it makes one by `EnterProcesses`, with the
/// program's rights and nothing of the host's. That one is a child of the runtime process, which
/// joins nothing itself.
struct JoinContainer: SpawningStep {
    static let manual = StepManual(
        "make a process in a container",
        what: """
            A new process in the container's control group joins all its namespaces but that of \
            pids, closes the host's descriptors and prepares the program there.
            """,
        why: """
            The step of exec that makes the init process. No process inside ever sees one that \
            still holds the host's descriptors, or that has more rights than its program \
            (CVE-2016-9962, CVE-2024-21626).
            """,
        calls: "pidfd_open, clone3, write, setns, close_range")

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
    /// has no number. No process inside sees it.
    let takesProc: Bool

    var summary: String {
        "make a process in the namespaces of \(id.text): \(namespaces.names.joined(separator: ", "))"
    }

    func spawn(
        _ context: RuntimeContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(Failure) -> ChildProcess {
        let held = try attempt("pidfd_open", "\(process.pid)", try process.held())
        guard let container = held else {
            throw Failure("container not running: its init process is gone")
        }
        // No other process may look into the ones made from here on. exec makes the program dumpable
        // again.
        try attempt("prctl", "PR_SET_DUMPABLE", try CurrentProcess.setDumpable(false))
        // Of its own: what the new process has to say later goes another way.
        let pair = try attempt("socketpair", try Channel.Pair())
        let near = pair.near.borrowed
        let answers = pair.far.borrowed
        // Until it has its own terminal it has nothing: not the caller's, which is the host's.
        let nothing = try attempt("pipe2", try hasTerminal ? Pipe() : nil)
        var kept = [channel, far, answers]
        // Of streams that the runtime process relays.
        kept += context.handover.pipes.compactMap(\.far)
        if takesProc { kept.append(try context.openHostProc()) }
        for number in 3..<3 + CInt(preserved) { kept.append(FileDescriptor(rawValue: number)) }
        let controlGroup = controlGroup.knowingManager
        let inner = context.innerGroup.map { [$0] } ?? named
        // What is made in its cgroup need not be moved there, which is slow; the CPUs that the
        // config wants first have to be set before.
        let place =
            affinity == nil && inner.allSatisfy { $0 == context.innerGroup }
            ? opened(context.handover.controlGroup?.version2 ?? controlGroup.version2) : nil
        func spawn(in place: HeldDescriptor?) throws(Errno) -> ChildProcess {
            try ChildProcess.spawn([], controlGroup: place?.borrowed) {
                ProcessWords.erase()
                _ = OwnedDescriptor(near)
                let held = OwnedDescriptor(answers)
                let answer = join(
                    container.borrowed, controlGroup, inner, isInVersion2: place != nil,
                    input: nothing?.reader, keeping: kept)
                // Where it fails, the runtime finds nothing to read.
                do throws(Errno) {
                    try answers.write(all: answer.encoded)
                } catch {
                    CurrentProcess.exit(InitProcess.failureCode)
                }
                _ = consume held
                guard case .spawned = answer else { CurrentProcess.exit(0) }
                body()
            }
        }
        func make() throws(Errno) -> ChildProcess {
            guard let place else { return try spawn(in: nil) }
            do throws(Errno) {
                return try spawn(in: place)
            } catch {
                // It is divided, or of another part of the tree: what can be done it does itself,
                // and says what cannot.
                return try spawn(in: nil)
            }
        }
        return try follow(try attempt("clone3", try make()), pair.takeNear())
    }

    /// The part of the new process: enters the container's control group and its namespaces, and closes
    /// the host's descriptors.
    ///
    /// - Parameter input: What stands in for the caller's standard streams.
    private func join(
        _ container: FileDescriptor, _ controlGroup: ControlGroup, _ inner: [ControlGroup.Inner],
        isInVersion2: Bool,
        input: FileDescriptor?, keeping kept: [FileDescriptor]
    ) -> InitMessage {
        do throws(Failure) {
            try setAffinity()
            try enter(controlGroup, inner, isInVersion2: isInVersion2)
            if let input {
                for stream in 0..<3 {
                    try attempt("dup3", try input.become(standardStream: CInt(stream)))
                }
            }
        } catch {
            return .failed(step: 0, error)
        }
        do throws(Errno) {
            try container.joinNamespace(namespaces)
        } catch {
            return .notSpawned(errno: error.rawValue)
        }
        do throws(Failure) {
            try attempt("close_range", try CurrentProcess.closeDescriptors(except: kept))
        } catch {
            return .failed(step: 0, error)
        }
        return .spawned(pid: 0)
    }

    /// Until it has joined everything, or has said what keeps it from that.
    private func follow(
        _ made: consuming ChildProcess, _ channel: consuming Channel
    ) throws(Failure) -> ChildProcess {
        let answers = channel
        let answer = try attempt("recvmsg", try answers.borrowed.receiveBytes(Channel.capacity))
        let failure: Failure
        switch answer.flatMap({ InitMessage($0) }) {
        case .spawned: return made
        case .notSpawned(let number):
            let error = Errno(rawValue: number)
            if error == .noSuchProcess || error == .noMemory {
                failure = Failure("container not running: it has ended meanwhile")
                break
            }
            failure = Failure(
                "setns", "to the namespaces of \(id.text)", error,
                advice: error == .notPermitted && Credentials.effectiveUser != 0
                    ? "one that has not started yet hides itself from all but root; start it first"
                    : nil)
        case .failed(_, let found): failure = found
        default: failure = Failure("the process that joins has ended without a word")
        }
        _ = try attempt("waitid", try made.wait())
        throw failure
    }
}

extension JoinContainer {
    private var named: [ControlGroup.Inner] {
        inner.map { ControlGroup.Inner(controllers: $0.controllers, path: $0.path) }
    }

    private func opened(_ directory: String?) -> HeldDescriptor? {
        guard let directory, let opened = try? HostPath.open(directory, [.readOnly, .directory])
        else { return nil }
        return HeldDescriptor(opened)
    }

    /// Before the control group is entered: the move itself then does not wake its CPUs up.
    private func setAffinity() throws(Failure) {
        guard let affinity else { return }
        try attempt(
            "sched_setaffinity", "before the control group is entered",
            try CurrentProcess.setAffinity(affinity))
    }

    /// Processes made from here on are counted and limited with the container.
    private func enter(
        _ controlGroup: ControlGroup, _ inner: [ControlGroup.Inner], isInVersion2: Bool
    ) throws(Failure) {
        do throws(Failure) {
            try controlGroup.add(
                process: 0, inner: inner, joining: process.pid, isInVersion2: isInVersion2)
            try resctrlGroup?.add(process: 0)
        } catch {
            // What runc says there.
            throw Failure("error adding pid to cgroups: \(error.message)")
        }
    }
}
