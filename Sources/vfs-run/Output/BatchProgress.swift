internal import Batch
internal import LinuxSystem
internal import SystemPackage

/// How far a batch is, on a terminal.
final class BatchProgress {
    private let start = Clock.nanoseconds
    private var last: UInt64 = 0
    private var hasWritten = false
    private let stream = CallerStream(.standardError)

    /// Nanoseconds between two lines.
    private static let pause: UInt64 = 200_000_000

    /// Nil where nobody looks.
    init?(_ arguments: ParsedArguments) {
        if arguments.has(.quiet) || !FileDescriptor.standardError.isTerminal { return nil }
    }

    func show(_ state: BatchServer.Progress) {
        let now = Clock.nanoseconds
        if now < last + BatchProgress.pause { return }
        last = now
        write("\r" + words(state) + "\u{1b}[K")
        hasWritten = true
    }

    /// Takes the line away.
    func finish() {
        if hasWritten { write("\r\u{1b}[K") }
    }

    private func words(_ state: BatchServer.Progress) -> String {
        let milliseconds = max((Clock.nanoseconds - start) / 1_000_000, 1)
        let rate = UInt64(state.answered) * 1000 / milliseconds
        return "\(state.answered) jobs, \(rate)/s, \(state.failed) failed, \(state.running) running"
    }

    private func write(_ text: String) {
        do throws(Errno) {
            // It does not wait for the reader.
            try stream.tell(Array(text.utf8), until: Clock.nanoseconds)
        } catch {
            // The next line comes.
        }
    }
}
