internal import LinuxSystem
internal import SystemPackage

/// The process of a session, and the messages that wait for it.
final class SessionSlot {
    let name: String
    let slot: Slot
    var waiting: [(line: [UInt8], task: Slot.Assignment, closes: Bool)] = []
    /// Whether it is to be let go of with the next answer.
    var isClosing = false

    /// How many messages wait.
    static let mostWaiting = 64

    init(_ name: String, _ slot: Slot) { (self.name, self.slot) = (name, slot) }

    /// Gives it the next message, where it is free.
    func advance() {
        guard slot.task == nil, !isClosing, !waiting.isEmpty else { return }
        let next = waiting.removeFirst()
        isClosing = next.closes
        do throws(Errno) {
            try slot.give(next.line, next.task)
        } catch {
            // Its end is seen at the other pipe.
        }
    }
}
