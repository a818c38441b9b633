internal import LinuxSystem
internal import SystemPackage

/// What messages are written to, without waiting for a reader for long.
final class LogFile: @unchecked Sendable {
    static let standardError = LogFile(CallerStream(.standardError))

    private let stream: CallerStream
    /// It has not read in time once: it is not waited for again.
    private var isStuck = false

    /// How long a reader is waited for.
    private static let patience: UInt64 = 1

    private init(_ stream: CallerStream) {
        self.stream = stream
    }

    init(_ file: consuming OwnedDescriptor) {
        stream = CallerStream(opened: file)
    }

    /// - Returns: False when not all of it could be written.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        do throws(Errno) {
            let now = Clock.nanoseconds
            try stream.tell(
                bytes, until: isStuck ? now : Clock.deadline(seconds: LogFile.patience))
            return true
        } catch {
            isStuck = isStuck || error == .timedOut
            return false
        }
    }
}
