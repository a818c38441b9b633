public import LinuxSystem

/// The change of one path.
public struct Change: Sendable {
    public enum Kind: String, Sendable, Hashable {
        case added, modified, deleted
        /// Another kind of file than before.
        case replaced = "type"
        /// A directory, or a file without its data, that was somewhere else before.
        case moved
        /// The same as before but for its times: it was copied up, touched, or changed back.
        case unchanged

        public var letter: String {
            switch self {
            case .added: "A"
            case .modified: "M"
            case .deleted: "D"
            case .replaced: "T"
            case .moved: "R"
            case .unchanged: "="
            }
        }
    }

    /// The differences.
    public struct Aspects: OptionSet, Sendable, Hashable {
        public var rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        public static let content = Aspects(rawValue: 1)
        public static let mode = Aspects(rawValue: 2)
        public static let owner = Aspects(rawValue: 4)
        public static let attributes = Aspects(rawValue: 8)
        /// Where a symbolic link leads.
        public static let target = Aspects(rawValue: 16)
        /// The number of a device.
        public static let device = Aspects(rawValue: 32)
        /// Of a directory: nothing of what was in it is left but what is listed.
        public static let emptied = Aspects(rawValue: 64)
        public static let times = Aspects(rawValue: 128)

        static let names: [(Aspects, String)] = [
            (.content, "content"), (.mode, "mode"), (.owner, "owner"), (.attributes, "xattrs"),
            (.target, "target"), (.device, "device"), (.emptied, "emptied"), (.times, "times"),
        ]
    }

    public var kind: Kind
    public var path: LayerPath
    public var aspects: Aspects = []
    /// Nil for what was added.
    public var before: FileStatus?
    /// Nil for what was deleted.
    public var after: FileStatus?
    /// Extended attributes that were added, removed or changed.
    public var attributes: [String] = []
    /// Where what was moved has been.
    public var origin: LayerPath?
    /// Another new name of the same file.
    public var link: LayerPath?

    /// Why it is applied with `--guarded` alone.
    public var guarded: String?

    /// Read where the content is wanted.
    var node: TreeWalk.Node

    public var isDirectory: Bool { (after ?? before)?.kind == .directory }
}
