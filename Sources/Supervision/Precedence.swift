internal import LinuxSystem
internal import SystemPackage

/// The turns of the runtime process while it holds a limit of time: it has to run when the time is over,
/// also beside programs that take all processors.
///
/// Root's runtime process comes before all others, as long as it takes little itself: a program can make
/// it work by what it writes.
struct Precedence {
    private let begun: UInt64
    private let spent: UInt64
    private var isFirst = false
    private let mayBeFirst: Bool

    /// Nanoseconds of processor time, at first and in all: one eighth.
    private static let least: UInt64 = 20_000_000
    private static let share: UInt64 = 8

    /// Nil where this process has another policy, or asks for less than others.
    init?(from time: UInt64) {
        if !CurrentProcess.mayTakeTurns { return nil }
        begun = time
        spent = Clock.processorTime
        do throws(Errno) {
            try CurrentProcess.take(.first)
            (isFirst, mayBeFirst) = (true, true)
        } catch {
            mayBeFirst = false
            // Where it may not, it is late on a busy machine.
            try? CurrentProcess.take(.short)
        }
    }

    mutating func look(_ now: UInt64) {
        guard mayBeFirst else { return }
        let used = Clock.processorTime - spent
        let allowed = Precedence.least + (now - min(begun, now)) / Precedence.share
        // Not to and fro with every turn.
        let isToBeFirst = used < (isFirst ? allowed : allowed / 2)
        if isToBeFirst == isFirst { return }
        isFirst = isToBeFirst
        try? CurrentProcess.take(isFirst ? .first : .short)
    }

    /// What comes now is not urgent: to remove what a container has left may take long.
    func end() { try? CurrentProcess.take(.ordinary) }
}
