public import LinuxSystem

/// What happens to one changed path.
public enum ApplyEvent: Sendable {
    /// It is applied, or would be.
    case change(Change.Kind, LayerPath, isDirectory: Bool)
    /// It is left as it is, with everything below it.
    case left(LayerPath, isDirectory: Bool, Reason)
    /// It is applied without a part of it.
    case note(LayerPath, String)

    public enum Reason: Sendable, Hashable {
        /// The host's file has changed after the run began.
        case conflict(String)
        /// `--guarded` applies it.
        case guarded(String)
        /// Changes of that kind are never applied.
        case never(String)
        case failed(String)

        public var words: String {
            switch self {
            case .conflict(let words): words
            case .guarded(let words): "guarded: " + words
            case .never(let words), .failed(let words): words
            }
        }
    }
}

/// Which paths an apply is for.
public struct ApplySelection: Sendable {
    /// With everything below them; nil: all.
    private let paths: [LayerPath]?
    /// Directories without what is in them.
    private var alone: Set<LayerPath> = []

    public static let all = ApplySelection(nil)

    private init(_ paths: [LayerPath]?) { self.paths = paths }

    /// - Parameter paths: In the tree, without `.` and `..`; a leading slash may be there.
    public init(_ paths: [String]) {
        self.init(
            paths.map { path in
                LayerPath(
                    bytes: Array(path.utf8.split(separator: 0x2f).joined(separator: [0x2f])))
            })
    }

    /// - Parameter alone: Directories whose attributes are applied, and nothing in them.
    public init(of paths: [LayerPath], alone: [LayerPath] = []) {
        self.init(paths as [LayerPath]?)
        self.alone = Set(alone)
    }

    /// Whether everything is applied.
    var isWhole: Bool { paths?.contains(.root) ?? true }

    /// Whether the path is one of them, or lies below one.
    func contains(_ path: LayerPath) -> Bool {
        guard let paths else { return true }
        return alone.contains(path) || paths.contains { path == $0 || path.isInside($0) }
    }

    /// Whether one of them lies below the path.
    func leads(through path: LayerPath) -> Bool {
        guard let paths else { return false }
        return paths.contains { $0.isInside(path) } || alone.contains { $0.isInside(path) }
    }
}

/// The owners that files of the sandbox have outside.
public struct ApplyOwners: Sendable {
    /// Of a user namespace whose layers were shown through id-mapped mounts: an owner inside is the
    /// same owner outside.
    public var mappings: IDMappings?
    /// Nil: files may belong to every user. Otherwise to this one alone.
    public var user: UInt32?

    public init(mappings: IDMappings?, user: UInt32?) {
        self.mappings = mappings
        self.user = user
    }

    /// Nil where the owner has no id outside.
    func outside(_ status: FileStatus) -> (user: UInt32, group: UInt32)? {
        var found = (user: status.userID, group: status.groupID)
        if let mappings {
            // The status has ids as the sandbox sees them, where they are the sandbox's.
            if mappings.users.maps(found.user) == false { return nil }
            if mappings.groups.maps(found.group) == false { return nil }
        }
        if let user {
            if found.user != user { return nil }
            found.user = user
        }
        return found
    }
}
