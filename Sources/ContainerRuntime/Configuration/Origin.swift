/// Where a setting comes from.
public enum Origin: Sendable, Hashable {
    /// The byte of config.json that asks for it.
    case config(Int)
    /// An argument of the command line: `--upper`.
    case argument(String)
    /// The runtime itself; the reason in a word, or empty.
    case builtIn(String)

    /// Part of every container.
    public static let standard = Origin.builtIn("default")
}

/// A setting and where it comes from.
public struct Setting<Value: Sendable>: Sendable {
    public var value: Value
    public var origin: Origin

    public init(_ value: Value, _ origin: Origin) {
        self.value = value
        self.origin = origin
    }
}
