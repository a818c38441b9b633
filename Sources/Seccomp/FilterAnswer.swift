internal import LinuxSystem
internal import SystemPackage

/// What a filter answers to a call: `SECCOMP_RET_*` with its data (seccomp(2)).
public struct FilterAnswer: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let allow = FilterAnswer(rawValue: 0x7fff_0000)

    public enum Kind: String, Sendable {
        case killProcess = "kill process"
        case killThread = "kill thread"
        case trap, errno, notify, trace, log, allow
    }

    public var kind: Kind {
        switch rawValue & 0xffff_0000 {
        case 0: .killThread
        case 0x0003_0000: .trap
        case 0x0005_0000: .errno
        case 0x7fc0_0000: .notify
        case 0x7ff0_0000: .trace
        case 0x7ffc_0000: .log
        case 0x7fff_0000: .allow
        // What the kernel does not know ends the process as well.
        default: .killProcess
        }
    }

    /// Whether the call is made.
    public var isAllowed: Bool { kind == .allow || kind == .log }

    /// The errno of `errno`, the value for a tracer.
    public var data: UInt32 { rawValue & 0xffff }

    /// Of several filters the kernel takes the lowest, as a signed number.
    var rank: Int32 { Int32(bitPattern: rawValue & 0xffff_0000) }

    /// `allow`, `EPERM`, `kill process`.
    public var words: String {
        switch kind {
        case .errno: data == 0 ? "no error, not made" : Errno(rawValue: CInt(data)).name
        case .trap: "SIGSYS"
        default: kind.rawValue
        }
    }
}
