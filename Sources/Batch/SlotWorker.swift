internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Report
internal import Supervision
internal import SystemPackage

/// A process that runs one job after the other.
///
/// What the jobs of one shape have in common is made for the first and stays: a job makes its own
/// namespaces, its own control group and its own upper.
final class SlotWorker {
    private let preparation: Preparation
    private let requests: FileDescriptor
    private let answers: FileDescriptor
    private var shape: JobShape?
    private var plan: JobPlan?
    private var held: AnyObject?
    /// What the slot's network namespace counted when it was new.
    private var counted: [[UInt8]] = []
    let prepared = PreparedStart()
    private var input: HeldDescriptor?
    private var output: HeldDescriptor?
    private var errors: HeldDescriptor?
    /// Where this process belongs to a session.
    private var session: Session?

    init(_ preparation: Preparation, requests: FileDescriptor, answers: FileDescriptor) {
        self.preparation = preparation
        self.requests = requests
        self.answers = answers
    }

    /// The process of a session, which keeps what its jobs write.
    func keepFiles(of name: String) { session = Session(self, name) }

    /// Until the batch process closes its end, or a signal arrives.
    func run() throws(Failure) {
        defer { prepared.end() }
        if preparation.sharesNetwork { try renewNetwork() }
        var reader = FrameReader()
        while true {
            while let (number, bytes) = reader.next() {
                let answer = try answer(bytes, line: number)
                try attempt(
                    "write", "to the batch process",
                    try answers.write(all: Frame.head(answer.count, number) + answer))
            }
            let isOpen = try attempt("read", "from the batch process", try fill(&reader))
            if !isOpen { return }
        }
    }

    private func fill(_ reader: inout FrameReader) throws(Errno) -> Bool {
        _ = try Poll.wait([(requests, .readable)])
        return try reader.fill(from: requests)
    }

    private func answer(_ bytes: [UInt8], line: Int) throws(Failure) -> [UInt8] {
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            let place = "column \(error.position.column)"
            return Answer(id: nil, line: line, error: "\(place): not JSON: \(error.message)").bytes
        }
        do throws(Failure) {
            if document.root["op"] != nil {
                return try session.given("no session").answer(document.root, line: line).bytes
            }
            return try run(try BatchJob(document.root), line: line).bytes
        } catch {
            if error.kind == .interrupted { throw error }
            return Answer(id: BatchJob.id(document.root), line: line, error: error.message).bytes
        }
    }

    /// Runs a job and tells how it came out.
    func run(
        _ job: BatchJob, line: Int, sending paths: [String]? = nil
    ) throws(Failure) -> Answer {
        var planned = PlannedJob(arguments: job.arguments)
        planned.environment = job.environment
        planned.wallTime = job.wallTime
        planned.output = job.output
        planned.sent = paths
        planned.workingDirectory = job.workingDirectory
        var room = 4 * LineReader.longest
        for file in job.files {
            let bytes = try file.content.read(limit: min(room, LineReader.longest))
            room -= bytes.count
            planned.files.append(
                PlannedJob.File(
                    path: file.path, bytes: bytes,
                    mode: file.mode))
        }
        var answer = Answer(id: job.id, line: line)
        let result = Result { () throws(Failure) in try carryOut(job, planned, &answer) }
        if case .failure(let error) = result {
            if error.kind == .interrupted { throw error }
            answer.error = error.message
        }
        answer.report = Report(result).json
        try cleanNetwork()
        return answer
    }

    private func carryOut(
        _ job: BatchJob, _ planned: PlannedJob, _ answer: inout Answer
    ) throws(Failure) -> Outcome {
        let plan = try plan(of: job.shape).plan(of: planned)
        var limits = Supervisor.Limits()
        limits.measures = true
        limits.onSignal = .abandons
        let streams = try streams(job)
        let supervisor = Supervisor(
            plan, limits: limits, prepared: prepared, streams: streams, warn: preparation.warn)
        var outcome = try supervisor.run()
        do throws(Failure) {
            if !job.collect.isEmpty {
                let collected = try Collected(job.collect, outcome, from: plan.workingDirectory)
                (answer.files, answer.error) = (collected.files, collected.error)
            } else {
                answer.files = .object([])
            }
        } catch {
            throw supervisor.abandon(error)
        }
        try supervisor.finish(&outcome)
        let bytes = try content(output)
        if planned.sent != nil { answer.sent = bytes } else { answer.output = .content(bytes) }
        answer.errors = .content(try content(errors))
        return outcome
    }

    private func plan(of shape: JobShape) throws(Failure) -> JobPlan {
        if let plan, shape == self.shape { return plan }
        if session != nil && self.shape != nil {
            throw Failure("limits of memory, pids, disk and cpuTime are those of create")
        }
        let made = try preparation.plan(shape)
        let plan = try JobPlan(preparation.sharesNetwork ? made.plan.sharingNetwork() : made.plan)
        prepared.forget()
        (self.shape, self.plan, held) = (shape, plan, made.held)
        return plan
    }

    // MARK: The network

    /// What a job could count up, and the next one read.
    private static let counters = ["snmp", "snmp6", "netstat", "sctp/snmp", "xfrm_stat", "dev"]

    private func renewNetwork() throws(Failure) {
        try PreparedStart.separateNetwork()
        counted = try SlotWorker.count()
    }

    /// Nothing of a job stays in the slot's network: its sockets end with its processes, it has no
    /// rights over the namespace and no interface is up; where it has moved a counter the namespace is
    /// left for a new one.
    private func cleanNetwork() throws(Failure) {
        guard preparation.sharesNetwork, try SlotWorker.count() != counted else { return }
        try renewNetwork()
    }

    private static func count() throws(Failure) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for name in counters {
            let path = "/proc/self/net/\(name)"
            do throws(Errno) {
                found.append(try HostPath.read(path))
            } catch .noSuchFileOrDirectory {
                // A protocol that this kernel has not.
                found.append([])
            } catch {
                throw Failure("read", path.inQuotes, error)
            }
        }
        return found
    }

    // MARK: Streams

    private func streams(_ job: BatchJob) throws(Failure) -> [StandardStream: HeldDescriptor] {
        let output = try emptied(&output, "vfs-run-output")
        let errors = try emptied(&errors, "vfs-run-errors")
        var streams: [StandardStream: HeldDescriptor] = [.output: output, .error: errors]
        switch job.input {
        case nil: break
        case .file?: streams[.input] = HeldDescriptor(try job.input.given().open())
        case .bytes(let bytes)?:
            let input = try emptied(&input, "vfs-run-input")
            try attempt("write", "standard input", try fillFile(input.borrowed, bytes))
            streams[.input] = input
        }
        return streams
    }

    private func fillFile(_ file: FileDescriptor, _ bytes: [UInt8]) throws(Errno) {
        try file.write(all: bytes)
        try file.move(to: 0)
    }

    /// A file in memory, made once and emptied for each job.
    private func emptied(
        _ file: inout HeldDescriptor?, _ name: String
    ) throws(Failure) -> HeldDescriptor {
        let known: HeldDescriptor
        if let file {
            known = file
        } else {
            known = HeldDescriptor(try attempt("memfd_create", try TemporaryFile.create(name)))
        }
        file = known
        try attempt("ftruncate", name, try empty(known.borrowed))
        return known
    }

    private func empty(_ file: FileDescriptor) throws(Errno) {
        try file.setSize(0)
        try file.move(to: 0)
    }

    private func all(of file: FileDescriptor) throws(Errno) -> [UInt8] {
        try file.move(to: 0)
        return try file.readAll(limit: Int(BatchJob.mostOutput))
    }

    private func content(_ file: HeldDescriptor?) throws(Failure) -> [UInt8] {
        guard let file else { return [] }
        return try attempt(
            "read", "of the output",
            try all(of: file.borrowed))
    }
}

extension Optional where Wrapped == Session {
    fileprivate func given(_ words: String) throws(Failure) -> Session {
        guard let self else { throw Failure(words) }
        return self
    }
}

extension Optional where Wrapped == Content {
    fileprivate func given() throws(Failure) -> Content {
        guard let self else { throw Failure("there is no content") }
        return self
    }
}
