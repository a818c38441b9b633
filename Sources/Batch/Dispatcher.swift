internal import ContainerRuntime
public import LinuxSystem
internal import SystemPackage

/// The batch process: reads lines, hands each to a slot that is free, and passes the answers on.
public final class Dispatcher {
    public struct Options: Sendable {
        /// How many jobs run at once.
        public var slots = 1
        public var isOrdered = false
        /// The processors that slots are bound to, one each; empty: none is.
        public var processors: [Int] = []

        public init() {}
    }

    private let options: Options
    private let preparation: Preparation
    private var slots: [Int: Slot] = [:]
    private var conversations: [Conversation] = []

    public init(_ options: Options, _ preparation: Preparation) {
        self.options = options
        self.preparation = preparation
    }

    /// Standard input and standard output.
    public func run() throws(Failure) {
        try attempt("signalfd", try Interruption.listen())
        let conversation = Conversation(
            input: .standardInput, output: CallerStream(.standardOutput),
            isOrdered: options.isOrdered)
        conversations = [conversation]
        do throws(Failure) {
            while !conversation.isDone {
                try handOut()
                if conversation.isDone { break }
                try handleEvents()
            }
        } catch {
            end(Interruption.isSignaled ? Signal.terminate : Signal.kill)
            if error.errno == .interrupted, let signal = Interruption.take() {
                throw Failure.ended(by: signal)
            }
            throw error
        }
        end(conversation.isBroken ? Signal.terminate : nil)
        if let problem = conversation.problem { throw problem }
    }

    // MARK: Lines

    /// Gives every line that is there to a slot that is free.
    private func handOut() throws(Failure) {
        for conversation in conversations {
            while conversation.writing == nil, let slot = try freeSlot(for: conversation),
                let line = conversation.lines.next()
            {
                let number = conversation.lines.number
                conversation.take(number)
                switch line {
                case .tooLong:
                    conversation.answer(
                        Answer(
                            id: nil, line: number,
                            error: "the line has more than \(LineReader.longest) bytes"
                        ).bytes, line: number)
                case .text(let bytes):
                    let task = Slot.Task(conversation: conversation, line: number, id: nil)
                    do throws(Errno) {
                        try slot.give(bytes, task)
                    } catch {
                        // Its end is seen at the other pipe.
                    }
                }
            }
        }
    }

    /// Nil where all are at work. One is made only when it is needed.
    private func freeSlot(for conversation: Conversation) throws(Failure) -> Slot? {
        if let free = slots.values.first(where: { $0.task == nil }) { return free }
        guard slots.count < options.slots, !conversation.lines.isEmpty,
            let number = (0..<options.slots).first(where: { slots[$0] == nil })
        else { return nil }
        let processors = options.processors
        let processor = processors.isEmpty ? nil : processors[number % processors.count]
        let slot = try Slot(preparation, processor: processor)
        slots[number] = slot
        return slot
    }

    private var hasFreeSlot: Bool {
        slots.count < options.slots || slots.values.contains { $0.task == nil }
    }

    // MARK: Events

    private func handleEvents() throws(Failure) {
        let working = slots.sorted { $0.key < $1.key }
        var entries: [(descriptor: FileDescriptor?, events: Poll.Events)] = []
        let reads = hasFreeSlot
        for conversation in conversations {
            let wants = reads && conversation.writing == nil && !conversation.lines.hasEnded
            entries.append((wants ? conversation.input : nil, .readable))
            entries.append((conversation.writing, .writable))
        }
        let first = entries.count
        entries += working.map { ($0.value.answering, .readable) }
        let events = try attempt("poll", try Poll.wait(entries))
        for (index, slot) in working.enumerated() where !events[first + index].isEmpty {
            try take(from: slot.value, slot.key)
        }
        for (index, conversation) in conversations.enumerated() {
            if !events[2 * index].isEmpty { try conversation.read() }
            if !events[2 * index + 1].isEmpty { conversation.write() }
        }
    }

    private func take(from slot: Slot, _ number: Int) throws(Failure) {
        let (isOpen, answer) = try attempt("read", "from a slot", try slot.read())
        if let answer, let task = slot.task {
            slot.task = nil
            task.conversation.answer(answer, line: task.line)
        }
        if isOpen { return }
        slots[number] = nil
        let ending = slot.collect()
        guard let task = slot.task else { return }
        task.conversation.answer(
            Answer(
                id: task.id, line: task.line,
                error:
                    "the process that ran the job \(Dispatcher.words(ending)); send the job again"
            ).bytes, line: task.line)
    }

    private static func words(_ ending: ChildProcess.Ending?) -> String {
        switch ending {
        case .signaled(let signal)?: "was killed by signal \(signal)"
        case .exited(let code)?: "ended with code \(code)"
        case nil: "is gone"
        }
    }

    // MARK: The end

    /// How long, in seconds, slots have to remove what they have made.
    private static let patience: UInt64 = 10

    /// Ends the slots and waits until nothing is left of them.
    private func end(_ signal: CInt?) {
        for slot in slots.values {
            if let signal { slot.send(signal: signal) }
            slot.release()
        }
        let deadline = Clock.deadline(seconds: Dispatcher.patience)
        for slot in slots.values {
            while let answering = slot.answering {
                let events = try? Poll.wait(
                    [(answering, .readable)], until: deadline, isInterruptible: false)
                if events?[0].isEmpty ?? true { slot.send(signal: Signal.kill) }
                guard (try? slot.read().isOpen) ?? false else { break }
            }
            _ = slot.collect()
        }
        slots = [:]
    }
}
