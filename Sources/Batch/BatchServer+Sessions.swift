internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// A line with `op`.
struct SessionMessage {
    let id: String?
    let operation: String
    let name: String?
    /// Whether it names a session, be it by what is no string.
    let isNamed: Bool

    private static let mark = Array("\"op\"".utf8)

    /// Nil for a line without `op`, and for one that is not JSON.
    init?(_ bytes: [UInt8]) {
        // Most lines are jobs, which the slots read.
        guard bytes.holds(SessionMessage.mark) else { return nil }
        do {
            let root = try JSONDocument(bytes).root
            guard let operation = root["op"] else { return nil }
            self.operation = operation.string ?? ""
            id = BatchJob.id(root)
            name = root["session"]?.string
            isNamed = root["session"] != nil
        } catch {
            return nil
        }
    }

    /// Letters, digits, `.`, `_` and `-`.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
                default: false
                }
            }
    }
}

extension BatchServer {
    /// Messages of sessions. They need no slot of the jobs.
    ///
    /// - Returns: Whether it was taken.
    func handOut(
        _ message: SessionMessage, _ bytes: [UInt8], _ number: Int,
        of conversation: Conversation
    ) throws(Failure) -> Bool {
        let task = Slot.Assignment(conversation: conversation, line: number, id: message.id)
        do throws(Failure) {
            let session = try session(of: message, conversation)
            let waiting = session.waiting.reduce(0) { $0 + $1.line.count }
            if session.waiting.count >= SessionSlot.mostWaiting || waiting > LineReader.longest {
                return false
            }
            conversation.take(number)
            session.waiting.append((bytes, task, message.operation == "close"))
            session.advance()
        } catch {
            if error.errno != nil { throw error }
            conversation.take(number)
            var answer = Answer(id: message.id, line: number, error: error.message)
            answer.session = message.name ?? ""
            self.answer(answer.bytes, task)
        }
        return true
    }

    private func session(
        of message: SessionMessage, _ conversation: Conversation
    ) throws(Failure) -> SessionSlot {
        guard let sessions = conversation.sessions else {
            throw Failure("sessions are to be had over the socket of --listen alone")
        }
        if message.operation.isEmpty { throw Failure("op is not a string") }
        if message.name == nil && message.isNamed { throw Failure("session is not a string") }
        if message.operation != "create" {
            guard let name = message.name else {
                throw Failure("session is missing; name the session that create has answered with")
            }
            guard let found = sessions[name], !found.isToClose else {
                throw Failure("there is no session \(name.inQuotes); create it first")
            }
            return found
        }
        var number = 1
        while message.name == nil && sessions["s\(number)"] != nil { number += 1 }
        let name = message.name ?? "s\(number)"
        if !SessionMessage.isName(name) {
            throw Failure("session: \(name.inQuotes) is not 1 to 64 letters, digits, -, _ and .")
        }
        if sessions[name] != nil { throw Failure("the session \(name.inQuotes) exists") }
        let count = conversations.reduce(0) { $0 + ($1.sessions?.count ?? 0) }
        if count >= BatchServer.mostSessions {
            throw Failure("\(BatchServer.mostSessions) sessions are open; close one")
        }
        let made = SessionSlot(
            name, try Slot(preparation, processor: nil, keepsFiles: true, name: name))
        conversation.sessions?[name] = made
        return made
    }

    func take(from session: SessionSlot, of conversation: Conversation) throws(Failure) {
        let isOpen = try take(from: session.slot)
        let isClosed = session.isClosing && session.slot.task == nil
        if isOpen && !isClosed { return session.advance() }
        conversation.sessions?[session.name] = nil
        if isOpen {
            session.slot.release()
            BatchServer.awaitEnd(
                session.slot, until: Clock.deadline(seconds: BatchServer.patience))
        }
        for (_, task, _) in session.waiting {
            var answer = Answer(
                id: task.id, line: task.line,
                error: "the session \(session.name.inQuotes) is closed")
            answer.session = session.name
            self.answer(answer.bytes, task)
        }
    }
}

extension SessionSlot {
    fileprivate var isToClose: Bool { isClosing || waiting.contains(where: \.closes) }
}
