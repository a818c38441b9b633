internal import ContainerRuntime
internal import JSON
public import LinuxSystem
internal import SystemPackage

/// The batch process: reads lines, hands each to a slot that is free, and passes the answers on.
public final class BatchServer {
    public struct Options {
        /// How many jobs run at once.
        public var slots = 1
        public var isOrdered = false
        /// The processors that slots are bound to, one each; empty: none is.
        public var processors: [Int] = []
        /// Of a socket, in the place of standard input and output.
        public var listens: String?
        /// Is told after each answer.
        public var progress: ((Progress) -> Void)?

        public init() {}
    }

    /// How far it is.
    public struct Progress: Sendable {
        public var answered: Int
        /// Answers that tell of no success.
        public var failed: Int
        public var running: Int
    }

    let options: Options
    let preparation: Preparation
    var slots: [Int: Slot] = [:]
    var conversations: [Conversation] = []
    private var listener: Listener?
    /// Answers, and those of them that tell of no success.
    private var answered = 0
    private var failed = 0
    /// Warnings, each told once: every process of a slot has them.
    private var told: Set<String> = []

    static let mostConnections = 64
    /// While one of them runs a job, the other one makes the container of the next.
    static let processesOfSlot = 2
    static let mostSessions = 64

    public init(_ options: Options, _ preparation: Preparation) {
        self.options = options
        self.preparation = preparation
        told = preparation.told
    }

    /// Until the input has ended and every line has its answer; with a socket, until a signal.
    public func run() throws(Failure) {
        try attempt("signalfd", try Interruption.listen())
        if let path = options.listens {
            listener = try Listener(path)
        } else {
            conversations = [
                Conversation(
                    input: .standardInput, output: CallerStream(.standardOutput),
                    isOrdered: options.isOrdered)
            ]
        }
        defer { listener?.close() }
        var problem: Failure?
        do throws(Failure) {
            while listener != nil || !conversations.isEmpty {
                try handOut()
                problem = problem ?? dropDone()
                if listener == nil && conversations.isEmpty { break }
                try handleEvents()
            }
        } catch {
            let signal = error.errno == .interrupted ? Interruption.take() : nil
            end(signal == nil ? Signal.kill : Signal.terminate)
            if let signal { throw ended(by: signal) }
            throw error
        }
        end(problem == nil ? nil : Signal.terminate)
        if let problem { throw problem }
    }

    private func ended(by signal: CInt) -> Failure {
        let owed = conversations.contains(where: \.owesAnswers)
        var error = Failure(
            "signal \(signal) (\(Signal.words(signal))) ended the batch"
                + (owed
                    ? "; jobs without an answer were not carried out, send them again" : ""),
            .interrupted)
        error.signal = signal
        return error
    }

    // MARK: Lines

    /// Gives every line that is there to a slot that is free.
    private func handOut() throws(Failure) {
        // Each connection has its turn to be the first.
        if conversations.count > 1 { conversations.append(conversations.removeFirst()) }
        for conversation in conversations {
            while conversation.writing == nil {
                conversation.advance()
                guard let (number, line) = conversation.waiting else { break }
                guard try handOut(line, number, of: conversation) else { break }
                conversation.waiting = nil
            }
        }
    }

    /// - Returns: Whether it was taken.
    private func handOut(
        _ line: LineReader.Line, _ number: Int, of conversation: Conversation
    ) throws(Failure) -> Bool {
        guard case .text(let bytes) = line else {
            conversation.take(number)
            answer(
                Answer(
                    id: nil, line: number,
                    error: "the line has more than \(LineReader.longest) bytes"
                ).bytes, Slot.Assignment(conversation: conversation, line: number, id: nil))
            return true
        }
        if let message = SessionMessage(bytes) {
            return try handOut(message, bytes, number, of: conversation)
        }
        guard let slot = try freeSlot() else { return false }
        conversation.take(number)
        do throws(Errno) {
            try slot.give(bytes, Slot.Assignment(conversation: conversation, line: number, id: nil))
        } catch {
            // Its end is seen at the other pipe.
        }
        return true
    }

    /// Nil where all are at work. One is made only when it is needed.
    private func freeSlot() throws(Failure) -> Slot? {
        let each = BatchServer.processesOfSlot
        let numbers = (0..<options.slots).filter { slot in
            (0..<each).allSatisfy { slots[slot * each + $0]?.task == nil }
        }.flatMap { $0 * each..<($0 + 1) * each }
        // The one that has waited for longest has its container ready.
        let free = numbers.compactMap { slots[$0] }.min { $0.freeSince < $1.freeSince }
        if let free, free.isReady { return free }
        guard let number = numbers.first(where: { slots[$0] == nil }) else { return free }
        let processors = options.processors
        let processor = processors.isEmpty ? nil : processors[number / each % processors.count]
        let slot = try Slot(preparation, processor: processor)
        slots[number] = slot
        return slot
    }

    func answer(_ bytes: [UInt8], _ task: Slot.Assignment) {
        task.conversation.answer(bytes, line: task.line)
        answered += 1
        // The keys of an answer are in one order, and the report begins with its status.
        let isSuccess = bytes.prefix(512).holds(BatchServer.success)
        if !isSuccess { failed += 1 }
        options.progress?(
            Progress(
                answered: answered, failed: failed,
                running: slots.values.count { $0.task != nil }))
    }

    private static let success = Array("\"status\":\"OK\"".utf8)

    // MARK: Events

    private func handleEvents() throws(Failure) {
        let working = slots.sorted { $0.key < $1.key }
        let current = conversations
        let sessions = current.flatMap { conversation in
            (conversation.sessions ?? [:]).values.map { (conversation, $0) }
        }
        var entries: [(descriptor: FileDescriptor?, events: Poll.Events)] = []
        for conversation in current {
            entries.append((conversation.wantsMore ? conversation.input : nil, .readable))
            entries.append((conversation.writing, .writable))
        }
        let first = entries.count
        entries += working.map { ($0.value.answering, .readable) }
        entries += sessions.map { ($0.1.slot.answering, .readable) }
        let accepts = current.count < BatchServer.mostConnections
        entries.append((accepts ? listener?.borrowed : nil, .readable))
        let events = try attempt("poll", try Poll.wait(entries))
        for (index, slot) in working.enumerated() where !events[first + index].isEmpty {
            if try !take(from: slot.value) { slots[slot.key] = nil }
        }
        for (index, (conversation, session)) in sessions.enumerated()
        where !events[first + working.count + index].isEmpty {
            try take(from: session, of: conversation)
        }
        for (index, conversation) in current.enumerated() {
            if !events[2 * index].isEmpty { try conversation.read() }
            if !events[2 * index + 1].isEmpty { conversation.write() }
        }
        if let last = events.last, !last.isEmpty { try accept() }
    }

    private func accept() throws(Failure) {
        while conversations.count < BatchServer.mostConnections,
            let connection = try attempt("accept", try listener?.accept())
        {
            conversations.append(
                Conversation(connection: connection, isOrdered: options.isOrdered))
        }
    }

    /// - Returns: False when the slot is gone.
    func take(from slot: Slot) throws(Failure) -> Bool {
        let said = try attempt("read", "from a slot", try slot.read())
        for warning in said.warnings where told.insert(warning).inserted {
            preparation.warn(warning)
        }
        if let answer = said.answer, let task = slot.task {
            slot.task = nil
            self.answer(answer, task)
        }
        if said.isOpen { return true }
        let ending = slot.collect()
        if let task = slot.task {
            self.answer(
                Answer(
                    id: task.id, line: task.line,
                    error: "the process that ran the job \(BatchServer.words(ending)); send the job"
                        + " again"
                ).bytes, task)
        }
        return false
    }

    private static func words(_ ending: ChildProcess.Ending?) -> String {
        switch ending {
        case .signaled(let signal)?: "was killed by signal \(signal)"
        case .exited(let code)?: "ended with code \(code)"
        case nil: "is gone"
        }
    }

    // MARK: The end

    /// Lets go of conversations that are over: what they still have running is killed.
    ///
    /// - Returns: What was wrong with the reader of standard output.
    private func dropDone() -> Failure? {
        var problem: Failure?
        conversations.removeAll { conversation in
            guard conversation.isDone else { return false }
            problem = problem ?? (listener == nil ? conversation.problem : nil)
            var ended = (conversation.sessions ?? [:]).values.map(\.slot)
            for (number, slot) in slots where slot.task?.conversation === conversation {
                slots[number] = nil
                ended.append(slot)
            }
            for slot in ended { slot.send(signal: Signal.kill) }
            let deadline = Clock.deadline(seconds: BatchServer.patience)
            for slot in ended { BatchServer.awaitEnd(slot, until: deadline) }
            return true
        }
        return problem
    }

    /// How long, in seconds, slots have to remove what they have made.
    static let patience: UInt64 = 10

    /// Ends the slots and waits until nothing is left of them.
    private func end(_ signal: CInt?) {
        let sessions = conversations.flatMap { ($0.sessions ?? [:]).values.map(\.slot) }
        let all = Array(slots.values) + sessions
        for slot in all {
            if let signal { slot.send(signal: signal) }
            slot.release()
        }
        let deadline = Clock.deadline(seconds: BatchServer.patience)
        for slot in all { BatchServer.awaitEnd(slot, until: deadline) }
        slots = [:]
    }

    /// Until it is gone, and its watchdog with it.
    static func awaitEnd(_ slot: Slot, until deadline: UInt64) {
        while let answering = slot.answering {
            var isOpen = false
            do throws(Errno) {
                let events = try Poll.wait(
                    [(answering, .readable)], until: deadline, isInterruptible: false)
                if events[0].isEmpty {
                    slot.send(signal: Signal.kill)
                    break
                }
                isOpen = try slot.read().isOpen
            } catch {
                isOpen = false
            }
            if !isOpen { break }
        }
        _ = slot.collect()
    }
}
