internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[]` that one `clone3` cannot make or join.
///
/// The runtime process itself joins nothing.
struct EnterNamespaces: SpawningStep {
    static let manual = StepManual(
        "make the init process in joined namespaces",
        what: """
            A process in between joins and makes the namespaces that one clone3 cannot make. It \
            makes the init process, which becomes a child of the runtime process. Where a pid \
            namespace is joined it goes on as the init process itself, outside of it.
            """,
        why: """
            As the step that makes the init process. A user namespace that is joined owns the \
            others; some namespaces only the host may join, before the user namespace is entered; \
            and a time namespace holds for later processes alone.
            """,
        calls: "clone3, setns, unshare, write")

    /// All that are joined, of whichever kind.
    let joined: [Configuration.JoinedNamespace]
    /// Made by the `clone3` of the init process.
    let cloned: NamespaceSet
    /// Made by the process in between, in this order: user, time.
    let before: NamespaceSet
    /// Of the user namespace among `before`.
    let mappings: IDMappings?
    let writer: Configuration.MappingWriter
    let timeOffsets: [Configuration.TimeOffset]
    /// How many mounts of proc the container has.
    let procCount: Int

    var summary: String {
        let made = cloned.union(before).names
        var words = ["make the init process in"]
        if !joined.isEmpty {
            words.append(
                joined.map { "the \($0.name) namespace \($0.path)" }.joined(separator: ", "))
        }
        if !made.isEmpty {
            words.append(
                "\(joined.isEmpty ? "" : "and ")new namespaces: \(made.joined(separator: ", "))")
        }
        let offsets = timeOffsets.map {
            "\($0.clock) ahead by \($0.seconds) s"
                + ($0.nanoseconds > 0 ? " \($0.nanoseconds) ns" : "")
        }
        return (words + offsets).joined(separator: " ")
    }
    let undoing = "new namespaces go with their last process"

    func spawn(
        _ context: RuntimeContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(Failure) -> ChildProcess {
        var files: [(Configuration.JoinedNamespace, HeldDescriptor)] = []
        for namespace in joined {
            let file = try attempt(
                "open", on: namespace.path,
                try HeldDescriptor(HostPath.open(namespace.path, .readOnly)))
            files.append((namespace, file))
        }
        let pair = try attempt("socketpair", try Channel.Pair())
        let near = pair.near.borrowed
        let answers = pair.far.borrowed
        let between = try attempt(
            "clone3", "of the process in between",
            try ChildProcess.spawn([]) {
                ProcessWords.erase()
                let answer: InitMessage
                do throws(Failure) {
                    _ = OwnedDescriptor(near)
                    answer = .spawned(pid: try enter(files, answers, context, body))
                } catch {
                    answer = .failed(step: 0, error)
                }
                // Without an answer the runtime process takes it for ended.
                let isHeard = (try? answers.send(answer.encoded)) != nil
                if isHeard && answer == .spawned(pid: 0) {
                    _ = OwnedDescriptor(answers)
                    body()
                }
                CurrentProcess.exit(0)
            })
        // Only that process's end is open from here on.
        return try follow(between, pair.takeNear(), introducing: channel)
    }

    /// Answers the process in between until it has done its part.
    ///
    /// - Parameter own: The channel to the init process, which waits there until it is known.
    private func follow(
        _ between: consuming ChildProcess, _ channel: consuming Channel,
        introducing own: FileDescriptor
    ) throws(Failure) -> ChildProcess {
        let kept = channel
        while true {
            let message = try attempt("recvmsg", try kept.borrowed.receiveBytes(Channel.capacity))
            guard let message else {
                throw Failure("the process in between has ended without a word")
            }
            switch InitMessage(message) {
            case .turn:
                let mappings = try mappings.given(.idMappings)
                try WriteMappings(mappings: mappings, writer: writer).write(to: between.pid)
                try attempt(
                    "sendmsg", "to the process in between", try kept.borrowed.send(InitMessage.go))
            case .spawned(0): return between
            case .spawned(let pid):
                _ = try attempt("waitid", try between.wait())
                let child = try attempt("pidfd_open", "\(pid)", try ChildProcess(child: pid))
                CurrentProcess.watch(child)
                try attempt("sendmsg", "to the init process", try own.send(InitMessage.go))
                return child
            case .failed(_, let failure):
                _ = try? between.wait()
                throw failure
            default: throw Failure("the process in between sent an unknown message")
            }
        }
    }
}

// What the process in between does.
extension EnterNamespaces {
    private typealias Opened = (Configuration.JoinedNamespace, HeldDescriptor)

    /// - Returns: The pid of the init process; 0 where this process is to go on as it.
    private func enter(
        _ files: [Opened], _ answers: FileDescriptor, _ context: RuntimeContext,
        _ body: @escaping () -> Never
    ) throws(Failure) -> Int32 {
        let user = files.first { $0.0.kind == .user }
        // Those of the host's go first, with the host's rights, those of the user namespace with
        // its own.
        var rest: [Opened] = []
        let entersUser = user != nil || before.contains(.user)
        for entry in files where entry.0.kind != .user {
            do throws(Failure) {
                try join(entry.0, entry.1, context)
            } catch {
                if !entersUser { throw error }
                rest.append(entry)
            }
        }
        if let user { try join(user.0, user.1, context) }
        if before.contains(.user) { try makeUserNamespace(answers) }
        for entry in rest { try join(entry.0, entry.1, context) }
        if before.contains(.time) { try makeTimeNamespace() }
        if files.contains(where: { $0.0.kind == .pid }) {
            try attempt(
                "unshare", cloned.names.joined(separator: " "), advice: CreateNamespaces.advice,
                try CurrentProcess.leaveNamespaces(cloned))
            return 0
        }
        return try attempt(
            "clone3", cloned.names.joined(separator: " "), advice: CreateNamespaces.advice,
            try ChildProcess.spawnSibling(in: cloned) {
                // The runtime process waits for the end of this one's maker, who may come to it
                // without a word: no other process may hold the channel that it would use.
                _ = OwnedDescriptor(answers)
                body()
            })
    }

    private func join(
        _ namespace: Configuration.JoinedNamespace, _ file: HeldDescriptor,
        _ context: RuntimeContext
    ) throws(Failure) {
        if namespace.kind == .pid {
            let own = ContainerContext(context.handover, channel: nil)
            try JoinProcesses(namespace: namespace, procCount: procCount)
                .join(file.borrowed, own)
            context.handover.procContexts = own.procContexts
            context.handover.joinedProc = own.joinedProc
            return
        }
        try attempt(
            "setns", on: namespace.path, advice: { JoinNamespace.advice($0, namespace.name) },
            try file.borrowed.joinNamespace(namespace.kind))
    }

    private func makeUserNamespace(_ answers: FileDescriptor) throws(Failure) {
        try attempt(
            "unshare", "CLONE_NEWUSER", advice: CreateNamespaces.advice,
            try CurrentProcess.leaveNamespaces(.user))
        if writer == .itself {
            let mappings = try mappings.given(.idMappings)
            return try WriteMappings(mappings: mappings, writer: writer).write(to: nil)
        }
        func takeTurn() throws(Errno) {
            try answers.send(InitMessage.turn(step: 0).encoded)
            if try answers.receiveBytes(Channel.capacity) == nil { throw .brokenPipe }
        }
        try attempt("sendmsg", "to the runtime process", try takeTurn())
    }

    /// Before anybody is in it: afterwards the kernel takes no offset.
    private func makeTimeNamespace() throws(Failure) {
        try attempt(
            "unshare", "CLONE_NEWTIME", advice: CreateNamespaces.advice,
            try CurrentProcess.leaveNamespaces(.time))
        if timeOffsets.isEmpty { return }
        let text = timeOffsets.map { "\($0.clock) \($0.seconds) \($0.nanoseconds)\n" }.joined()
        let path = "/proc/self/timens_offsets"
        let file = try attempt("open", on: path, try HostPath.open(path, .writeOnly))
        try attempt(
            "write", on: path,
            advice: {
                $0 == .outOfRange
                    ? "the clock would stand before its beginning, or beyond its end" : nil
            }, try file.borrowed.write(all: Array(text.utf8)))
    }
}
