/// The calls that the caller wants to be told of.
public struct SeccompNotices: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Calls that the profile answers with an error: `--seccomp-explain`.
    public static let refused = SeccompNotices(rawValue: 1)
    /// Calls that the profile allows: `--seccomp-record`.
    public static let allowed = SeccompNotices(rawValue: 2)

    /// The option that asks for it.
    var option: String { contains(.allowed) ? "--seccomp-record" : "--seccomp-explain" }
}
