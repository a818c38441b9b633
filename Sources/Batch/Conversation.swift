internal import LinuxSystem
internal import SystemPackage

/// Lines in, and answers out: standard input and output, or a connection.
final class Conversation {
    let input: FileDescriptor
    private let output: CallerStream
    private let isOrdered: Bool
    var lines = LineReader()
    /// Answers that were not written yet.
    private var pending: [UInt8] = []
    private var written = 0
    /// Of an ordered one: answers that came before their turn, by their lines, and the lines that are
    /// owed, in their order.
    private var early: [Int: [UInt8]] = [:]
    private var owed: [Int] = []
    /// Whether its reader is gone.
    private(set) var isBroken = false
    private(set) var problem: Failure?
    /// Lines that have no answer yet.
    private(set) var open = 0
    /// Of the answers that wait for an earlier one.
    private var earlyBytes = 0
    private static let mostEarly = 64 << 20
    /// The line that is next, which no slot is free for yet.
    var waiting: (number: Int, line: LineReader.Line)?
    /// Of a connection: its sessions, by their names. Nil where there are none to be had.
    var sessions: [String: SessionSlot]?
    /// Of a connection.
    private let socket: OwnedDescriptor?

    /// - Parameter socket: A connection, which is both.
    convenience init(connection socket: consuming OwnedDescriptor, isOrdered: Bool) {
        let stream = socket.borrowed
        self.init(
            input: stream, output: CallerStream(stream), isOrdered: isOrdered,
            socket: consume socket)
        sessions = [:]
    }

    init(
        input: FileDescriptor, output: CallerStream, isOrdered: Bool,
        socket: consuming OwnedDescriptor? = nil
    ) {
        self.socket = consume socket
        self.input = input
        self.output = output
        self.isOrdered = isOrdered
    }

    /// Where to wait for room; nil while there is nothing to write.
    var writing: FileDescriptor? { pending.isEmpty || isBroken ? nil : output.borrowed }

    /// Whether its input is to be read.
    var wantsMore: Bool {
        waiting == nil && writing == nil && !lines.hasEnded && !isBroken && !isFull
    }

    /// Whether so many answers wait for an earlier one that no more lines are taken.
    private var isFull: Bool { earlyBytes > Conversation.mostEarly || owed.count > 4096 }

    /// Whether everything is said.
    var isDone: Bool {
        isBroken
            || lines.hasEnded && open == 0 && pending.isEmpty && lines.isEmpty && waiting == nil
    }

    /// Whether a line has no answer yet.
    var owesAnswers: Bool { open > 0 || waiting != nil || !lines.isEmpty }

    func read() throws(Failure) {
        do throws(Errno) {
            guard let bytes = try input.readSome(LineReader.chunk) else { return }
            if bytes.isEmpty { lines.end() } else { lines.add(bytes) }
        } catch {
            if socket == nil { throw Failure("read", "the jobs", error) }
            isBroken = true
        }
    }

    /// Takes the next line, where there is one.
    func advance() {
        if waiting != nil || isBroken || isFull { return }
        if let line = lines.next() { waiting = (lines.number, line) }
    }

    func take(_ line: Int) {
        open += 1
        if isOrdered { owed.append(line) }
    }

    func answer(_ bytes: [UInt8], line: Int) {
        open -= 1
        guard isOrdered else {
            pending += bytes
            return write()
        }
        early[line] = bytes
        earlyBytes += bytes.count
        while let next = owed.first, let bytes = early.removeValue(forKey: next) {
            owed.removeFirst()
            earlyBytes -= bytes.count
            pending += bytes
        }
        write()
    }

    /// Writes what is taken at once.
    func write() {
        do throws(Errno) {
            while written < pending.count {
                let count = try output.writeQuietly(pending[written...])
                if count == 0 { return }
                written += count
            }
        } catch {
            isBroken = true
            problem = Failure("write", "the answers", error)
        }
        pending.removeAll(keepingCapacity: pending.count < 1 << 20)
        written = 0
    }
}
