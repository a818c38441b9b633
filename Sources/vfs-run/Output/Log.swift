internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Writes messages to standard error, and to the file of `--log` in the format that engines parse: a
/// record a line.
///
///     time="2026-11-23T21:40:13Z" level=error msg="container \"x\" does not exist"
///     {"level": "error", "msg": "container \"x\" does not exist", "time": "2026-11-23T21:40:13Z"}
///
/// All messages pass here, where they are made printable and cut: images, containers and other users
/// choose parts of them (`String.printable`). A slow or missing reader delays nothing.
struct Log: Sendable {
    enum Format: String, Sendable { case text, json }
    enum Level: String, Sendable { case debug, info, warning, error }

    var path: String?
    var format = Format.text
    var isVerbose = false
    /// Opened once.
    private var file: LogFile?

    /// The maximum bytes of an error with many lines; further lines are counted.
    private static let mostBytes = 16384

    /// Writes an error to the log, and to standard error too where the log is a file.
    ///
    /// - Parameter lines: A problem each.
    func error(_ lines: [String]) {
        let shown = Log.bounded(lines)
        if path != nil || format == .json { write(.error, shown.joined(separator: "\n")) }
        if path != nil || format == .text { for line in shown { complain(line) } }
    }

    /// Tells a person at the terminal; the log's readers have the report.
    func tell(_ message: String) { complain(message) }

    /// Shows a person a text of several lines.
    func show(_ text: String) {
        LogFile.standardError.write(Array(text.printableLines.utf8))
    }

    func warning(_ message: String) {
        if path != nil || format == .json { return write(.warning, message) }
        complain(message.has("warning: ") ? message : "warning: " + message)
    }

    func debug(_ message: @autoclosure () -> String) {
        if isVerbose { write(.debug, message()) }
    }

    /// Opens the file, before any action that could be logged. If it cannot be opened, messages go to
    /// standard error.
    mutating func open() throws(Failure) {
        guard let path else { return }
        do throws(Errno) {
            // A FIFO without a reader is an error.
            file = LogFile(
                try HostPath.open(
                    path, [.writeOnly, .create, .append, .nonBlocking, .noControllingTerminal],
                    mode: 0o644))
        } catch {
            self.path = nil
            throw Failure(
                "unable to open log file: \(path): \(error.words)"
                    + (error == .noSuchAddressOrDevice
                        ? "; it is a socket, or a FIFO without a reader" : ""))
        }
    }

    private static func bounded(_ lines: [String]) -> [String] {
        var shown: [String] = []
        var room = mostBytes
        for line in lines {
            let short = line.shortened()
            room -= short.utf8.count
            if room < 0 { return shown + ["and \(lines.count - shown.count) more"] }
            shown.append(short)
        }
        return shown
    }

    private func complain(_ message: String) {
        let line = "vfs-run: " + message.printable(upTo: .longestMessage) + "\n"
        LogFile.standardError.write(Array(line.utf8))
    }

    /// The JSON string is printable.
    private func write(_ level: Level, _ message: String) {
        let time = String(Clock.timestamp.prefix(19)) + "Z"
        let text = JSONOutput.string(
            level == .error ? message : message.shortened())
        let line =
            switch format {
            case .text: "time=\"\(time)\" level=\(level.rawValue) msg=\(text.compactText)"
            case .json:
                JSONOutput.object([
                    ("level", .string(level.rawValue)), ("msg", text), ("time", .string(time)),
                ]).compactText
            }
        let output = path == nil ? LogFile.standardError : file
        if output?.write(Array((line + "\n").utf8)) == false, let path {
            complain("the log \(path) cannot be written")
        }
    }
}
