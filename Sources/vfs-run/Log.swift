internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Where messages go: to standard error, and to the file of `--log`, in the form that engines
/// parse: one record a line.
///
///     time="2026-11-23T21:40:13Z" level=error msg="container \"x\" does not exist"
///     {"level": "error", "msg": "container \"x\" does not exist", "time": "2026-11-23T21:40:13Z"}
struct Log: Sendable {
    enum Format: String, Sendable { case text, json }
    enum Level: String, Sendable { case debug, info, warning, error }

    var path: String?
    var format = Format.text
    var isVerbose = false

    /// An error is said to people as well where the log is a file.
    func error(_ message: String) {
        if path != nil || format == .json { write(.error, message) }
        if path != nil || format == .text { complain(message) }
    }

    func warning(_ message: String) {
        if path != nil || format == .json { return write(.warning, message) }
        complain(message.has("warning: ") ? message : "warning: " + message)
    }

    func debug(_ message: @autoclosure () -> String) {
        if isVerbose { write(.debug, message()) }
    }

    /// Whether the file can be written, before anything is done that it should tell of. Without it
    /// from then on when it cannot.
    mutating func check() throws(CommandError) {
        guard let path else { return }
        do throws(Errno) {
            _ = try HostPath.open(path, [.writeOnly, .create, .append], mode: 0o644)
        } catch {
            self.path = nil
            throw CommandError(
                "unable to open log file: \(path.isEmpty ? "\"\"" : path): \(error.words)")
        }
    }

    private func complain(_ message: String) {
        // Where standard error is closed there is nobody to tell.
        try? FileDescriptor.standardError.write(all: Array("vfs-run: \(message)\n".utf8))
    }

    private func write(_ level: Level, _ message: String) {
        let time = String(Clock.timestamp.prefix(19)) + "Z"
        let line =
            switch format {
            case .text:
                "time=\"\(time)\" level=\(level.rawValue) msg=\(JSONOutput.string(message).compactText)"
            case .json:
                JSONOutput.object([
                    ("level", .string(level.rawValue)), ("msg", .string(message)),
                    ("time", .string(time)),
                ]).compactText
            }
        let bytes = Array((line + "\n").utf8)
        guard let path else {
            try? FileDescriptor.standardError.write(all: bytes)
            return
        }
        do throws(Errno) {
            let file = try HostPath.open(path, [.writeOnly, .create, .append], mode: 0o644)
            try file.borrowed.write(all: bytes)
        } catch {
            complain("the log \(path): \(error.words)")
        }
    }
}
