internal import CLinux
internal import Glibc

/// Flags of open(2). Close-on-exec is not among them: it is always on.
public struct OpenFlags: OptionSet, Sendable, Hashable {
    public var rawValue: CInt
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The corresponding C constant is `O_RDONLY`.
    public static let readOnly = OpenFlags([])
    /// The corresponding C constant is `O_WRONLY`.
    public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    /// The corresponding C constant is `O_RDWR`.
    public static let readWrite = OpenFlags(rawValue: O_RDWR)
    /// A handle on the file that reads and writes nothing. The corresponding C constant is
    /// `O_PATH`.
    public static let path = OpenFlags(rawValue: CInt(CLINUX_O_PATH))
    /// The corresponding C constant is `O_DIRECTORY`.
    public static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// The corresponding C constant is `O_NOFOLLOW`.
    public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    /// The corresponding C constant is `O_CREAT`.
    public static let create = OpenFlags(rawValue: O_CREAT)
    /// The corresponding C constant is `O_EXCL`.
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    /// The corresponding C constant is `O_TRUNC`.
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    /// The corresponding C constant is `O_APPEND`.
    public static let append = OpenFlags(rawValue: O_APPEND)
    /// The corresponding C constant is `O_NONBLOCK`.
    public static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    /// The corresponding C constant is `O_NOCTTY`.
    public static let noControllingTerminal = OpenFlags(rawValue: O_NOCTTY)
}
