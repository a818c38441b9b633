internal import LinuxSystem
internal import SystemPackage

/// The conversation with a `criu swrk`, which carries out one request and tells of its progress by
/// notices that wait for an answer.
final class CRIUConversation {
    private var channel: HeldChannel?
    /// Where CRIU writes what went wrong.
    private let log: CheckpointLog
    /// Whether CRIU waits for an answer.
    private var owesAnswer = false
    /// The terminal that CRIU has made for the container.
    private(set) var terminal: HeldDescriptor?
    /// The container's first process, once CRIU has named it.
    private var process: Int32?
    /// Is told when the page server is ready.
    var whenReady: () -> Void = {}

    init(_ channel: consuming Channel, _ log: CheckpointLog) {
        self.channel = HeldChannel(channel)
        self.log = log
    }

    func takeTerminal() -> HeldDescriptor? { terminal.take() }

    func send(_ request: CRIURequest) throws(Failure) {
        try send(request.encoded)
    }

    /// Lets CRIU go on until it waits at `script`, or, where that is nil, until it is done.
    ///
    /// - Returns: The first process of the container, where CRIU names it.
    @discardableResult
    func proceed(until script: String?) throws(Failure) -> Int32? {
        if owesAnswer { try answer() }
        while true {
            let response = try next()
            guard response.isSuccess else { throw failure(response) }
            process = response.process ?? process
            guard response.kind == CRIURequest.Kind.notice.rawValue else {
                if script == nil { return process }
                throw Failure("criu was done before \"\(script ?? "")\"")
            }
            owesAnswer = true
            if response.script == "status-ready" { whenReady() }
            if let script, response.script == script { return process }
            try answer()
        }
    }

    private func answer() throws(Failure) {
        owesAnswer = false
        try send(CRIURequest.goesOn)
    }

    private func send(_ bytes: [UInt8]) throws(Failure) {
        guard let channel else { throw failure() }
        do throws(Errno) {
            try channel.channel.send(bytes)
        } catch .brokenPipe {
            throw failure()
        } catch .connectionReset {
            throw failure()
        } catch {
            throw Failure("sendmsg", "to criu", error)
        }
    }

    private func next() throws(Failure) -> CRIUResponse {
        guard let held = channel else { throw failure() }
        // It may take as long as the container is large; a signal ends the wait.
        _ = try attempt("poll", try Poll.wait([(held.channel.borrowed, .readable)]))
        let message = try attempt("recvmsg", "from criu", try held.channel.receive())
        guard let message else { throw failure() }
        guard let response = CRIUResponse(message.bytes) else {
            throw Failure("criu sent a message that is no response of its interface")
        }
        if let descriptor = message.takeDescriptor(), response.script == "orphan-pts-master" {
            terminal = HeldDescriptor(descriptor)
        }
        return response
    }

    /// CRIU takes back what it has done when nobody listens any more.
    func end() { channel = nil }

    private func failure(_ response: CRIUResponse? = nil) -> Failure {
        let excerpt = log.excerpt
        var words = "criu failed"
        if !excerpt.isEmpty {
            words += ": " + excerpt
        } else if let message = response?.message, !message.isEmpty {
            words += ": " + message.printable(upTo: 300)
        } else if response == nil {
            words += ": it ended without an answer"
        } else if let number = response?.errno, number != 0 {
            words += ": " + Errno(rawValue: number).words
        }
        return Failure("\(words); see \(log.path)/\(log.name)")
    }
}

/// The file that CRIU writes what it does to.
struct CheckpointLog: Sendable {
    let directory: HeldDescriptor
    let path: String
    let name: String

    private static let mostBytes: Int64 = 256 << 10
    private static let mostLines = 5

    /// What it says of errors, for a sentence; empty where it says nothing.
    var excerpt: String {
        guard let file = try? directory.borrowed.openOwn(name),
            let size = try? FileStatus.of(file.borrowed).size,
            let bytes = try? file.borrowed.readBytes(
                upTo: Int(min(size, CheckpointLog.mostBytes)),
                at: max(0, size - CheckpointLog.mostBytes))
        else { return "" }
        let lines = bytes.split(separator: 0x0a).compactMap { line -> String? in
            let text = String(decoding: line, as: UTF8.self)
            // Behind the time.
            guard let space = text.firstIndex(of: " ") else { return nil }
            let words = String(text[space...].dropFirst())
            return words.hasPrefix("Error (") ? words.printable(upTo: 300) : nil
        }.filter { !$0.has("RLIMIT_NOFILE for self") }
        return lines.prefix(CheckpointLog.mostLines).joined(separator: "; ")
    }
}
