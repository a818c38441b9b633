internal import LinuxSystem
internal import SystemPackage

/// state.json of a container that is created.
struct RecordContainer: TurnStep {
    static let manual = StepManual(
        "record the container",
        what: """
            Writes the state of the container, with the pid and the start time of its init \
            process: it is created.
            """,
        why: """
            After all that can fail: a command that reads the state finds a container that is \
            there.
            """,
        calls: "openat, write, rename")

    let namespaces: NamespaceSet
    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool
    /// Whether the standard streams of this process are the container's.
    var recordsStreams = false
    /// Whether the namespaces are those that /proc shows: criu makes more than a config asks for.
    var looks = false

    let summary = "record the container as created"
    let undoing = "the directory goes with the container"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let container = try context.container.given(.container)
        var state = try context.state.given(.container)
        state.process = try attempt(
            "open", on: "/proc/\(process.pid)/stat", try ProcessIdentity(of: process.pid))
        if let program = context.program {
            state.program = try attempt(
                "open", on: "/proc/\(program)/stat", try ProcessIdentity(of: program))
        }
        state.namespaces = try looks ? found(of: process.pid).rawValue : namespaces.rawValue
        if recordsStreams {
            state.streams = try attempt("fstat", "of the standard streams", try streams())
        }
        state.ownsProcesses = ownsProcesses
        try attempt("write", "the state of \(container.id.text)", try container.write(state))
        context.state = state
        context.isRecorded = true
    }

    /// The names that /proc has for pipes among the standard streams: a checkpoint leaves these out, and
    /// a restore has others in their place.
    private func streams() throws(Errno) -> [String] {
        var names: [String] = []
        for number in 0..<3 as Range<CInt> {
            let stream = FileDescriptor(rawValue: number)
            let status = try FileStatus.of(stream)
            var isPipe = status.kind == .fifo
            if isPipe { isPipe = try FileSystemMagic.of(stream) == .pipes }
            names.append(isPipe ? "pipe:[\(status.inode)]" : "")
        }
        if names.allSatisfy(\.isEmpty) { names = [] }
        return names
    }

    /// Those that are not this process's own.
    private func found(of pid: Int32) throws(Failure) -> NamespaceSet {
        var found: NamespaceSet = []
        for kind in NamespaceKind.all {
            let (own, other) = ("/proc/self/ns/\(kind.file)", "/proc/\(pid)/ns/\(kind.file)")
            let isOwn = try attempt(
                "stat", on: other,
                try FileStatus.of(path: own).isSame(as: try FileStatus.of(path: other)))
            if !isOwn { found.insert(kind.flag) }
        }
        return found
    }
}
