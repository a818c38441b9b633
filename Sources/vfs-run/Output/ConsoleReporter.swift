internal import Images
internal import LinuxSystem
internal import SystemPackage

/// Progress on a terminal, for work that takes longer than a second, and notes.
final class ConsoleReporter: Reporter {
    private let isQuiet: Bool
    private let log: Log
    private let showsProgress: Bool
    private let start = Clock.nanoseconds
    private var shownAt: UInt64 = 0
    private let stream = CallerStream(.standardError)

    init(isQuiet: Bool, _ log: Log) {
        self.isQuiet = isQuiet
        self.log = log
        showsProgress = !isQuiet && FileDescriptor.standardError.isTerminal
    }

    func note(_ words: String) {
        if isQuiet { return }
        endProgress()
        log.warning(words)
    }

    /// Every tenth of a second, after the first second.
    func progress(_ layer: String, done: Int64, of total: Int64?) {
        guard showsProgress else { return }
        let now = Clock.nanoseconds
        guard now - start > 1_000_000_000, now - shownAt > 100_000_000 else { return }
        shownAt = now
        let name = layer.split(separator: "/").last.map { String($0.prefix(24)).printable } ?? ""
        let amount = "\(done >> 20) MiB" + (total.map { " of \($0 >> 20) MiB" } ?? "")
        // Returns to the start of the line and clears the rest.
        write("\r\(name): \(amount)\u{1b}[K")
    }

    func endProgress() {
        if shownAt != 0 { write("\r\u{1b}[K") }
        shownAt = 0
    }

    private func write(_ text: String) {
        // Progress does not wait for the reader.
        try? stream.tell(Array(text.utf8), until: Clock.nanoseconds)
    }
}
