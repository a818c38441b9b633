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
    private var plan: Plan?
    /// Whether a container is made ahead by this plan.
    private var isAhead = false
    private var reader = FrameReader()
    /// A line that was read and not taken.
    private var next: Message?
    private var isOver = false
    /// Whether an init process has not ended.
    private var isBroken = false
    private var held: AnyObject?
    private let network = SlotNetwork()
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

    /// The number, in the place of a line's, of messages that warn.
    static let warnings = 0

    /// The batch process tells each once.
    private func warn(_ text: String) {
        let bytes = Array(text.shortened().utf8)
        try? answers.write(all: Frame.head(bytes.count, SlotWorker.warnings) + bytes)
    }

    /// The process of a session, which keeps what its jobs write.
    func keepFiles(of name: String) { session = Session(self, name) }

    /// Until the batch process closes its end, or a signal arrives.
    ///
    /// While there is no job, the container of the next one is made, by the plan of the last one.
    func run() throws(Failure) {
        // Else the watchdog ends what is left when this process has ended.
        defer { if !isBroken { prepared.end() } }
        if preparation.sharesNetwork { try network.renew() }
        while true {
            if isBroken {
                // At once: the watchdog reads in this process's memory what it has to remove.
                preparation.warn("a process of a slot ends, and what a job has left with it")
                CurrentProcess.exit(1)
            }
            if let plan, isAhead, session == nil, next == nil {
                try run(plan)
                if isOver { return }
                continue
            }
            guard let message = try takeMessage() else { return }
            try send(try take(message), message.number)
            if preparation.sharesNetwork { try network.clean() }
        }
    }

    /// Runs the job that comes when its container is made. Its answer is sent before the container is
    /// removed.
    private func run(_ plan: Plan) throws(Failure) {
        do throws(Failure) {
            let isRun = try carryOut(plan) { (process) throws(Failure) in
                try self.awaitWork(beside: process)
            } telling: { (answer) throws(Failure) in
                try self.send(answer.bytes, answer.line)
            }
            if !isRun { isAhead = false }
        } catch {
            if error.kind == .interrupted || error.errno == .brokenPipe { throw error }
            // The next job is told what is wrong, if it still is.
            isAhead = false
        }
        if preparation.sharesNetwork { try network.clean() }
    }

    private typealias Message = (number: Int, bytes: [UInt8])

    private func send(_ answer: [UInt8], _ line: Int) throws(Failure) {
        try attempt(
            "write", "to the batch process",
            try answers.write(all: Frame.head(answer.count, line) + answer))
    }

    /// Nil when the batch process has closed its end.
    private func takeMessage() throws(Failure) -> Message? {
        if let message = next.take() { return message }
        while true {
            if let message = reader.next() { return message }
            let isOpen = try attempt("read", "from the batch process", try fill(&reader))
            if !isOpen { return nil }
        }
    }

    private func fill(_ reader: inout FrameReader) throws(Errno) -> Bool {
        _ = try Poll.wait([(requests, .readable)])
        return try reader.fill(from: requests)
    }

    private func take(_ message: Message) throws(Failure) -> [UInt8] {
        let line = message.number
        let document: JSONDocument
        do {
            document = try JSONDocument(message.bytes)
        } catch {
            let place = "column \(error.position.column)"
            return Answer(id: nil, line: line, error: "\(place): not JSON: \(error.message)").bytes
        }
        do throws(Failure) {
            if document.root["op"] != nil {
                return try session.given("no session").answer(document.root, line: line).bytes
            }
            return try run(try read(document), line: line).bytes
        } catch {
            if error.kind == .interrupted { throw error }
            return Answer(id: BatchJob.id(document.root), line: line, error: error.message).bytes
        }
    }

    /// The next job of the plan that a container is made by. A line that is wrong is answered.
    ///
    /// - Parameter process: The container's.
    /// - Throws: Where there will be none: at the end of the lines, and for a job of another plan.
    private func awaitWork(beside process: FileDescriptor) throws(Failure) -> Work {
        while true {
            while let message = reader.next() {
                guard let document = try? JSONDocument(message.bytes),
                    document.root["op"] == nil, let job = try? read(document),
                    job.shape == shape, !prepared.isOutdated
                else {
                    next = message
                    throw Failure("the next job has another plan")
                }
                do throws(Failure) {
                    return try work(job, line: message.number, sending: nil)
                } catch {
                    let answer = Answer(id: job.id, line: message.number, error: error.message)
                    try send(answer.bytes, message.number)
                }
            }
            let events = try attempt(
                "poll", try Poll.wait([(requests, .readable), (process, .readable)]))
            if !events[1].isEmpty { throw Failure("the container has ended before its job") }
            if try !attempt("read", "from the batch process", try reader.fill(from: requests)) {
                isOver = true
                throw Failure("there are no more jobs")
            }
        }
    }

    // MARK: A job

    private func read(_ document: JSONDocument) throws(Failure) -> BatchJob {
        try BatchJob(document.root, over: preparation.template)
    }

    /// A job, read.
    private struct Work {
        let job: BatchJob
        let line: Int
        let planned: PlannedJob
    }

    private func work(
        _ job: BatchJob, line: Int, sending paths: [String]?
    ) throws(Failure) -> Work {
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
                PlannedJob.File(path: file.path, bytes: bytes, mode: file.mode))
        }
        return Work(job: job, line: line, planned: planned)
    }

    /// Runs a job and tells how it came out.
    func run(
        _ job: BatchJob, line: Int, sending paths: [String]? = nil
    ) throws(Failure) -> Answer {
        let work = try work(job, line: line, sending: paths)
        do throws(Failure) {
            // Where jobs of several plans take turns, a container made ahead would be one in vain.
            let isLikeLast = shape == nil || shape == job.shape
            let plan = try plan(of: job.shape)
            isAhead = isLikeLast
            var answer: Answer?
            _ = try carryOut(plan) { (_) throws(Failure) in
                work
            } telling: {
                answer = $0
            }
            if let answer { return answer }
            throw Failure("the container has not taken the job")
        } catch {
            if error.kind == .interrupted { throw error }
            return answer(work, Result.failure(error))
        }
    }

    private func answer(_ work: Work, _ result: Result<Outcome, Failure>) -> Answer {
        var answer = Answer(id: work.job.id, line: work.line)
        if case .failure(let error) = result { answer.error = error.message }
        answer.report = Report(result).json
        return answer
    }

    /// - Parameters:
    ///   - next: Gives the job when the container is made.
    ///   - tell: Gets the answer.
    /// - Returns: False where no job was given.
    /// - Throws: Of a start without a job.
    private func carryOut(
        _ plan: Plan, _ next: @escaping (FileDescriptor) throws(Failure) -> Work,
        telling tell: (Answer) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        var given: Work?
        var isTold = false
        do throws(Failure) {
            var limits = Supervisor.Limits()
            limits.measures = true
            limits.onSignal = .abandons
            limits.answersEarly = true
            let streams = try streams()
            limits.nextJob = { [unowned self] (process) throws(Failure) in
                let work = try next(process)
                given = work
                return Supervisor.GivenJob(work.planned, input: try fillInput(work.job))
            }
            let supervisor = Supervisor(
                plan, limits: limits, prepared: prepared, streams: streams
            ) { [unowned self] in warn($0) }
            var outcome = try supervisor.run()
            guard let work = given else { return false }
            var answer = Answer(id: work.job.id, line: work.line)
            do throws(Failure) {
                (answer.files, answer.error) = try collected(work, outcome, plan)
                answer.report = Report(.success(outcome)).json
                let bytes = try content(output)
                if work.planned.sent != nil {
                    answer.sent = bytes
                } else {
                    answer.output = .content(bytes)
                }
                answer.errors = .content(try content(errors))
                isTold = true
                try tell(answer)
            } catch {
                let failure = supervisor.abandon(error)
                isBroken = supervisor.hasRemains
                throw failure
            }
            do throws(Failure) {
                try supervisor.finish(&outcome)
            } catch {
                isBroken = supervisor.hasRemains
                throw error
            }
            return true
        } catch {
            guard let work = given, error.kind != .interrupted else { throw error }
            if isTold { warn(error.message) } else { try tell(self.answer(work, .failure(error))) }
            return true
        }
    }

    private func collected(
        _ work: Work, _ outcome: Outcome, _ plan: Plan
    ) throws(Failure) -> (JSONOutput, String?) {
        if work.job.collect.isEmpty { return (.object([]), nil) }
        let collected = try Collected(work.job.collect, outcome, from: plan.workingDirectory)
        return (collected.files, collected.error)
    }

    private func plan(of shape: JobShape) throws(Failure) -> Plan {
        // What a session was created with it keeps.
        let isKnown = shape == self.shape && (session != nil || !prepared.isOutdated)
        if let plan, isKnown { return plan }
        if session != nil && self.shape != nil {
            throw Failure("limits of memory, pids, disk and cpuTime are those of create")
        }
        let made = try preparation.plan(shape) { [unowned self] in warn($0) }
        let plan = try (preparation.sharesNetwork ? made.plan.sharingNetwork() : made.plan)
            .awaitingJobs()
        prepared.forget()
        (self.shape, self.plan, held) = (shape, plan, made.held)
        return plan
    }

    // MARK: Streams

    /// Empty files, of which the input's is filled when there is a job.
    private func streams() throws(Failure) -> [StandardStream: HeldDescriptor] {
        [
            .input: try emptied(&input, "vfs-run-input"),
            .output: try emptied(&output, "vfs-run-output"),
            .error: try emptied(&errors, "vfs-run-errors"),
        ]
    }

    /// - Returns: A file in the place of the empty one.
    private func fillInput(_ job: BatchJob) throws(Failure) -> HeldDescriptor? {
        switch job.input {
        case nil: return nil
        case .file?: return HeldDescriptor(try job.input.given().open())
        case .bytes(let bytes)?:
            if let input {
                try attempt("write", "standard input", try fillFile(input.borrowed, bytes))
            }
            return nil
        }
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
