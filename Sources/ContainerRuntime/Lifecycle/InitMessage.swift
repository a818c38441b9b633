/// What the init process tells the runtime process, one message a packet:
///
///     message    carries                              then
///     terminal   the pty's far end, by SCM_RIGHTS     the runtime passes bytes to and fro
///     failed     step, exit code, sentence            the init process ends
///     (closed)   nothing: exec has closed it          the program runs
enum InitMessage: Equatable {
    case terminal
    /// - `step`: its index in the plan.
    /// - `exitCode`: nil for that of any error.
    case failed(step: Int, exitCode: CInt?, message: String)

    var encoded: [UInt8] {
        switch self {
        case .terminal: [1]
        case .failed(let step, let exitCode, let message):
            [2, UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: step >> 8)]
                + [exitCode == nil ? 0 : 1, UInt8(truncatingIfNeeded: exitCode ?? 0)]
                + Array(message.utf8.prefix(12000))
        }
    }

    /// Nil for what this version does not send.
    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case 1 where bytes.count == 1: self = .terminal
        case 2 where bytes.count >= 5:
            self = .failed(
                step: Int(bytes[1]) | Int(bytes[2]) << 8,
                exitCode: bytes[3] == 0 ? nil : CInt(bytes[4]),
                message: String(decoding: bytes[5...], as: UTF8.self))
        default: return nil
        }
    }
}
