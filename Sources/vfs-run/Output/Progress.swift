internal import LinuxSystem
internal import SystemPackage

/// Progress on a terminal, for work that takes longer than a second.
final class Progress {
    private let start = Clock.nanoseconds
    private let isShown: Bool
    private var bytes = 0
    private var last: UInt64
    private var hasWritten = false
    private let stream = CallerStream(.standardError)

    init(_ arguments: ParsedArguments) {
        isShown = FileDescriptor.standardError.isTerminal && !arguments.has(.quiet)
        last = start + 800_000_000
    }

    func add(_ count: Int) {
        bytes += count
        guard isShown else { return }
        let now = Clock.nanoseconds
        if now < last + 200_000_000 { return }
        last = now
        let seconds = Int((now - start) / 1_000_000_000)
        write("\r\(bytes >> 20) MB, \(seconds) s ")
        hasWritten = true
    }

    /// Removes the line.
    func finish() {
        if hasWritten { write("\r\u{1b}[K") }
        hasWritten = false
    }

    private func write(_ text: String) {
        // Progress does not wait for the reader.
        try? stream.tell(Array(text.utf8), until: Clock.nanoseconds)
    }
}
