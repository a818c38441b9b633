public import LinuxSystem

/// A directory that a box shows: `--dir` of isolate(1).
public struct DirectoryRule: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// A directory of the host, absolute.
        case host(String)
        /// A directory of the box, from its own directory on: `box`.
        case box(String)
        /// A new file system of this type.
        case fileSystem(String)
        /// A directory of the box that is made for the rule and stays with the box, by its name in
        /// `tmp`.
        case temporary(String)
        /// Devices, as every sandbox has them.
        case devices
        /// The rule that was there is taken away.
        case nothing
    }

    /// In the box, absolute and cleaned.
    public var place: String
    public var source: Source
    public var options: Options

    public struct Options: OptionSet, Sendable, Hashable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        public static let writable = Options(rawValue: 1)
        public static let notExecutable = Options(rawValue: 2)
        public static let fileSystem = Options(rawValue: 4)
        /// Left out where the source does not exist.
        public static let optional = Options(rawValue: 8)
        public static let devices = Options(rawValue: 16)
        public static let temporary = Options(rawValue: 32)
        /// Without what is mounted below the source.
        public static let alone = Options(rawValue: 64)
    }

    private static let words: [(word: String, option: Options)] = [
        ("rw", .writable), ("noexec", .notExecutable), ("fs", .fileSystem), ("maybe", .optional),
        ("dev", .devices), ("tmp", .temporary), ("norec", .alone),
    ]

    private static let fileSystems = ["proc", "sysfs", "tmpfs", "devpts"]

    private init(place: String, source: Source, _ options: Options) {
        (self.place, self.source, self.options) = (place, source, options)
    }

    /// `IN[=OUT][:OPTION…]`
    public init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var options: Options = []
        for word in parts.dropFirst() {
            guard let known = DirectoryRule.words.first(where: { $0.word == word }) else {
                throw DirectoryRule.failure(
                    text,
                    "\(word.inQuotes) is no option; use \(DirectoryRule.words.map(\.word).joined(separator: ", "))"
                )
            }
            options.insert(known.option)
        }
        let halves = parts[0].split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false
        ).map(String.init)
        let place = try DirectoryRule.place(halves[0], text)
        let out = halves.count > 1 ? halves[1] : nil
        self.init(
            place: place, source: try DirectoryRule.source(place, out, options, text), options)
        if case .temporary = source { self.options.insert(.writable) }
    }

    private static func place(_ path: String, _ text: String) throws(Failure) -> String {
        let names = path.split(separator: "/")
        if names.isEmpty || names.contains("..") {
            throw failure(text, "the path in the box is the root, or has .. in it")
        }
        return "/" + names.filter { $0 != "." }.joined(separator: "/")
    }

    private static func source(
        _ place: String, _ out: String?, _ options: Options, _ text: String
    ) throws(Failure) -> Source {
        if options.isSuperset(of: [.fileSystem, .temporary]) {
            throw failure(text, "fs and tmp exclude each other")
        }
        if options.contains(.fileSystem) {
            guard let out, fileSystems.contains(out) else {
                throw failure(
                    text,
                    "fs needs the type of a file system behind =: \(fileSystems.joined(separator: ", "))"
                )
            }
            return .fileSystem(out)
        }
        if options.contains(.temporary) {
            if out != nil { throw failure(text, "with tmp there is nothing behind =") }
            let name = place.dropFirst().split(separator: "/").joined(separator: ":")
            return .temporary(name)
        }
        guard let out else { return .host(place) }
        if out.isEmpty { return .nothing }
        if out.hasPrefix("./") {
            let names = out.split(separator: "/").filter { $0 != "." }
            if names.isEmpty || names.contains("..") {
                throw failure(text, "the path in the box's directory is empty, or has .. in it")
            }
            return .box(names.joined(separator: "/"))
        }
        if !out.hasPrefix("/") {
            throw failure(text, "what follows = is neither absolute nor begins with ./")
        }
        return .host(HostPath.cleaned(out))
    }

    private static func failure(_ text: String, _ reason: String) -> Failure {
        Failure("--dir: \(text.inQuotes): \(reason)")
    }

    /// Those that every box has, in the order of their mounts.
    public static let defaults: [DirectoryRule] = [
        DirectoryRule(place: "/box", source: .box("box"), .writable),
        DirectoryRule(place: "/bin", source: .host("/bin"), []),
        DirectoryRule(place: "/dev", source: .devices, .devices),
        DirectoryRule(
            place: "/dev/shm", source: .fileSystem("tmpfs"), [.fileSystem, .writable]),
        DirectoryRule(place: "/lib", source: .host("/lib"), []),
        DirectoryRule(place: "/lib64", source: .host("/lib64"), .optional),
        DirectoryRule(
            place: "/proc", source: .fileSystem("proc"), .fileSystem),
        DirectoryRule(
            place: "/tmp", source: .temporary("tmp"), [.temporary, .writable]),
        DirectoryRule(place: "/usr", source: .host("/usr"), []),
    ]

    /// The rules of a box: a later one takes the place of an earlier one for the same directory, and
    /// its turn.
    ///
    /// - Parameter withDefaults: Not with `--no-default-dirs`.
    public static func rules(
        _ given: [DirectoryRule], withDefaults: Bool
    ) -> [DirectoryRule] {
        var rules = withDefaults ? defaults : []
        for rule in given {
            if let index = rules.firstIndex(where: { $0.place == rule.place }) {
                rules[index] = rule
            } else {
                rules.append(rule)
            }
        }
        return rules.filter { $0.source != .nothing }
    }
}
