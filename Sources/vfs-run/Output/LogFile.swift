internal import LinuxSystem
internal import SystemPackage

/// A destination of messages. Writing waits for a reader for at most a second.
final class LogFile: @unchecked Sendable {
    static let standardError = LogFile(CallerStream(.standardError))

    private let stream: CallerStream
    /// The reader has exceeded that time once; no later write waits.
    private var isStuck = false

    /// The maximum time to wait for a reader, in seconds.
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
