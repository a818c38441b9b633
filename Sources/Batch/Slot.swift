internal import LinuxSystem
internal import SystemPackage

/// A process that runs jobs, as the batch process sees it.
final class Slot {
    /// What it works on.
    struct Assignment {
        let conversation: Conversation
        let line: Int
        let id: String?
    }

    private let process: ChildProcess
    private let requests: Pipe
    private let answers: Pipe
    private var reader = FrameReader()
    var task: Assignment? {
        didSet { if task == nil { freeSince = Clock.nanoseconds } }
    }
    /// Since when it has had no task.
    private(set) var freeSince: UInt64 = 0

    /// Whether it has had the time to make a container.
    var isReady: Bool { Clock.nanoseconds - freeSince > Slot.timeOfStart }

    /// Nanoseconds.
    private static let timeOfStart: UInt64 = 5_000_000

    /// Makes the process, a copy of this one.
    ///
    /// - Parameter keepsFiles: It is that of a session.
    init(
        _ preparation: Preparation, processor: Int?, keepsFiles: Bool = false, name: String = ""
    ) throws(Failure) {
        let requests = try attempt("pipe2", try Pipe())
        let answers = try attempt("pipe2", try Pipe())
        (self.requests, self.answers) = (requests, answers)
        process = try attempt(
            "clone3", "of a slot",
            try ChildProcess.spawn([]) {
                Slot.work(
                    preparation, requests, answers, processor: processor, keepsFiles: keepsFiles,
                    name: name)
            })
        requests.closeReader()
        answers.closeWriter()
    }

    /// The end of its answers is seen when its watchdog has removed what it has left, too.
    var answering: FileDescriptor? { answers.reader }

    func give(_ line: [UInt8], _ task: Assignment) throws(Errno) {
        self.task = task
        guard let writer = requests.writer else { throw .brokenPipe }
        try writer.write(all: Frame.head(line.count, task.line) + line)
    }

    /// What was read.
    struct Said {
        /// False at the end of the slot.
        var isOpen = false
        /// Where it is complete.
        var answer: [UInt8]?
        var warnings: [String] = []
    }

    func read() throws(Errno) -> Said {
        var said = Said()
        guard let answering else { return said }
        said.isOpen = try reader.fill(from: answering)
        while let (number, bytes) = reader.next() {
            if number == SlotWorker.warnings {
                said.warnings.append(String(decoding: bytes, as: UTF8.self))
            } else {
                said.answer = bytes
            }
        }
        return said
    }

    /// Has it end when it has nothing to do.
    func release() { requests.closeWriter() }

    func send(signal: CInt) { try? process.send(signal: signal) }

    /// Once its answers have ended.
    func collect() -> ChildProcess.Ending? {
        requests.closeWriter()
        return try? process.wait()
    }

    /// In the copy.
    private static func work(
        _ preparation: Preparation, _ requests: Pipe, _ answers: Pipe, processor: Int?,
        keepsFiles: Bool, name: String
    ) -> Never {
        Interruption.forget()
        CurrentProcess.relieveWatchdog()
        guard let reader = requests.reader, let writer = answers.writer else {
            CurrentProcess.exit(1)
        }
        do throws(Failure) {
            try attempt(
                "prctl", "PR_SET_PDEATHSIG", try CurrentProcess.setParentDeathSignal(Signal.kill))
            try attempt(
                "close_range", try CurrentProcess.closeDescriptors(except: [reader, writer]))
            try attempt("open", on: "/dev/null", try closeStreams())
            if let processor {
                var set = NumberSet()
                set.insert(processor)
                try attempt("sched_setaffinity", try CurrentProcess.setAffinity(set))
            }
            try attempt("signalfd", try Interruption.listen())
            let worker = SlotWorker(preparation, requests: reader, answers: writer)
            if keepsFiles { worker.keepFiles(of: name) }
            try worker.run()
        } catch {
            if error.kind != .interrupted && error.errno != .interrupted {
                preparation.warn(error.message)
            }
            CurrentProcess.exit(1)
        }
        CurrentProcess.exit(0)
    }

    /// Lines and answers are not the jobs' streams.
    private static func closeStreams() throws(Errno) {
        let null = try HostPath.open("/dev/null", .readWrite)
        try null.borrowed.become(standardStream: 0)
        try null.borrowed.become(standardStream: 1)
    }
}
