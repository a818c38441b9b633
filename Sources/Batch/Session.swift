internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// A sandbox whose files stay from one command to the next, in a process of its own.
///
/// The files lie on a tmpfs that nothing but a descriptor of this process holds: they go with it,
/// however it ends.
final class Session {
    private unowned let worker: SlotWorker
    private let name: String
    /// Of `create`: it holds for every command.
    private var environment: [String] = []
    private var shape = JobShape()
    private var wallTime: UInt64?
    private var output: UInt64?
    private var isCreated = false
    /// The numbers of snapshots that can be gone back to, in ascending order.
    private var snapshots: [Int] = []

    static let mostSnapshots = 32
    static let mostPaths = 256

    init(_ worker: SlotWorker, _ name: String) { (self.worker, self.name) = (worker, name) }

    func answer(_ value: JSONValue, line: Int) throws(Failure) -> Answer {
        var answer = Answer(id: BatchJob.id(value), line: line)
        answer.session = name
        do throws(Failure) {
            try carryOut(value, &answer)
        } catch {
            if error.kind == .interrupted { throw error }
            answer.error = error.message
        }
        return answer
    }

    private func carryOut(_ value: JSONValue, _ answer: inout Answer) throws(Failure) {
        let operation = value["op"]?.string ?? ""
        if !isCreated && operation != "create" && operation != "close" {
            throw Failure("the session could not be created; close it")
        }
        switch operation {
        case "create": try create(value)
        case "exec": try execute(value, &answer)
        case "put":
            try require(value, keys: ["files"])
            try put(value)
        case "get": try get(value, &answer)
        case "snapshot":
            try require(value, keys: [])
            let number = (snapshots.last ?? 0) + 1
            if snapshots.count > Session.mostSnapshots {
                throw Failure("a session has at most \(Session.mostSnapshots) snapshots")
            }
            try freeze(number)
            answer.more = [("snapshot", .integer(Int64(number)))]
        case "undo":
            try require(value, keys: ["snapshot"])
            try undo(value, &answer)
        case "close": try require(value, keys: [])
        default:
            throw Failure(
                "op \(operation.inQuotes) is not known; write create, exec, put, get, snapshot, undo"
                    + " or close")
        }
    }

    private func require(_ value: JSONValue, keys: [String]) throws(Failure) {
        try BatchJob.require(value, keys: ["op", "id", "session"] + keys)
    }

    // MARK: Commands

    private func create(_ value: JSONValue) throws(Failure) {
        if isCreated { throw Failure("the session \(name.inQuotes) exists") }
        try require(
            value, keys: ["base", "layers", "env", "cwd", "limits", "files"])
        try requireKernel()
        let job = try BatchJob(session: value, arguments: [])
        (environment, shape) = (job.environment, job.shape)
        (wallTime, output) = (job.wallTime, job.output)
        worker.prepared.keepsScratch = true
        let made = try run(job, sending: [])
        if let error = made.error { throw Failure(error) }
        isCreated = true
        try freeze(0)
    }

    private func requireKernel() throws(Failure) {
        let instead =
            "send jobs, whose files go in by \"files\" and come back by \"collect\", or use"
            + " \"vfs-run sandbox --name\", which keeps them"
        if Credentials.effectiveUser != 0 {
            throw Failure(
                "a session of an ordinary user is not possible: its files lie on a file system of the"
                    + " batch's own, over which the user namespace of a command may mount nothing; run"
                    + " the batch as root, or \(instead)")
        }
        if !worker.prepared.mountsDetached {
            throw Failure(
                "a session needs Linux 6.15, from which on a file system that no directory leads to can"
                    + " be the layer of a mount, and this kernel is older; \(instead)")
        }
    }

    private func execute(_ value: JSONValue, _ answer: inout Answer) throws(Failure) {
        try require(value, keys: ["args", "stdin", "env", "cwd", "limits"])
        var job = try BatchJob(session: value, arguments: nil)
        if !job.shape.limits.isEmpty {
            throw Failure("the limits memory, pids, disk and cpuTime are those of create")
        }
        job.workingDirectory = job.shape.workingDirectory
        let made = try run(job, sending: nil)
        answer.more = [("report", made.report), ("stdout", made.output), ("stderr", made.errors)]
        answer.error = made.error
    }

    private func put(_ value: JSONValue) throws(Failure) {
        let job = try BatchJob(session: value, arguments: [])
        let made = try run(job, sending: [])
        if let error = made.error { throw Failure(error) }
    }

    private func get(_ value: JSONValue, _ answer: inout Answer) throws(Failure) {
        try require(value, keys: ["paths"])
        let paths = try BatchJob.strings(value["paths"], "paths", most: Session.mostPaths)
        for path in paths where !path.hasPrefix("/") {
            throw Failure("paths: \(path.inQuotes) is not absolute")
        }
        var job = BatchJob(arguments: ["get"])
        job.output = BatchJob.mostOutput
        let made = try run(job, sending: paths)
        if let error = made.error { throw Failure(error) }
        guard let files = SentFile.read(made.sent, count: paths.count) else {
            throw Failure("the files have more than 64 MiB together; ask for fewer")
        }
        answer.more = [
            (
                "files",
                .object(
                    zip(paths, files).map { path, file in
                        (path, file.map { .content($0.bytes, mode: $0.mode) } ?? .null)
                    })
            )
        ]
    }

    /// - Parameter paths: Nil runs the job's program; else the files are sent in its place.
    private func run(_ job: BatchJob, sending paths: [String]?) throws(Failure) -> Answer {
        var job = job
        job.environment = environment + job.environment
        job.wallTime = job.wallTime ?? wallTime
        job.output = job.output ?? output
        job.shape = shape
        return try worker.run(job, line: 0, sending: paths)
    }

    // MARK: Snapshots

    /// The tmpfs with the uppers.
    private func scratch() throws(Failure) -> HeldDescriptor {
        guard let scratch = worker.prepared.scratch else { throw Failure("there are no files") }
        return HeldDescriptor(
            try attempt(
                "open", "of the session's files",
                try scratch.borrowed.open(".", [.readOnly, .directory])))
    }

    /// The names of the uppers: not those of snapshots, and of what overlayfs works in.
    private func uppers(_ top: FileDescriptor) throws(Errno) -> [FileName] {
        try top.names().filter { $0.isUpper }
    }

    private func freeze(_ number: Int) throws(Failure) {
        let held = try scratch()
        let top = held.borrowed
        let place = Session.place(number)
        func copy() throws(Errno) {
            try top.makeDirectory(place, mode: 0o700)
            let folder = try top.open(place, [.readOnly, .directory])
            for name in try uppers(top) { try Session.copy(name, from: top, to: folder.borrowed) }
        }
        do throws(Failure) {
            try attempt("copy", "to the snapshot", try copy())
        } catch {
            do throws(Errno) {
                try top.removeTree(Session.name(number))
            } catch {
            }
            throw error
        }
        snapshots.append(number)
    }

    private func undo(_ value: JSONValue, _ answer: inout Answer) throws(Failure) {
        var wanted = snapshots.last ?? 0
        if let given = value["snapshot"] {
            guard let number = given.integer(Int.self) else {
                throw Failure("snapshot is not a number")
            }
            wanted = number
        }
        guard snapshots.contains(wanted) else {
            throw Failure("there is no snapshot \(wanted)")
        }
        let held = try scratch()
        let top = held.borrowed
        func restore() throws(Errno) {
            for name in try top.names() where name.isUpper || name.isWork {
                try top.removeTree(name)
            }
            let folder = try top.open(Session.place(wanted), [.readOnly, .directory])
            for name in try folder.borrowed.names() {
                try Session.copy(name, from: folder.borrowed, to: top)
            }
            for number in snapshots where number > wanted {
                try top.removeTree(Session.name(number))
            }
        }
        try attempt("copy", "from the snapshot", try restore())
        snapshots.removeAll { $0 > wanted }
        answer.more = [("snapshot", .integer(Int64(snapshots.last ?? 0)))]
    }

    private static func place(_ number: Int) -> String { "snapshot-\(number)" }

    private static func name(_ snapshot: Int) -> FileName { FileName(place(snapshot)) ?? .here }

    private static func copy(
        _ name: FileName, from source: FileDescriptor, to target: FileDescriptor
    ) throws(Errno) {
        try target.makeDirectory(name, mode: 0o700)
        let from = try source.open(name, [.readOnly, .directory])
        let to = try target.open(name, [.readOnly, .directory])
        try TreeCopy.copy(from: from.borrowed, to: to.borrowed)
        try TreeCopy.dress(name, from: source, to: target)
    }
}

extension FileName {
    fileprivate var isUpper: Bool { begins("upper") || begins("root") }
    fileprivate var isWork: Bool { begins("work") }

    private func begins(_ word: String) -> Bool {
        bytes.starts(with: word.utf8)
    }
}
