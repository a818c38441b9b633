internal import JSON
public import LinuxSystem

extension KeptSandbox {
    /// A directory of the host that programs saw copy-on-write.
    public struct Tree: Sendable, Hashable {
        /// On the host, absolute, without symbolic links.
        public var path: String
        /// In the sandbox; nil: the same path.
        public var destination: String?
        /// The name of its `KeptUpper` in the sandbox's directory: `tree-0`.
        public var directory: String
        /// The time of the tree's own file system before the first run: a file whose ctime is this
        /// or later may have changed since.
        public var begun: FileTime

        public init(
            path: String, destination: String? = nil, directory: String, begun: FileTime
        ) {
            (self.path, self.destination) = (path, destination)
            (self.directory, self.begun) = (directory, begun)
        }
    }

    /// `sandbox.json`
    public struct Record: Sendable, Hashable {
        public var name: String
        /// In RFC 3339.
        public var created: String
        public var trees: [Tree]
        /// The ids of the sandbox's user namespace, which the next run has again.
        public var mappings: IDMappings?

        public init(
            name: String, created: String, trees: [Tree] = [], mappings: IDMappings? = nil
        ) {
            (self.name, self.created, self.trees) = (name, created, trees)
            self.mappings = mappings
        }

        static let schema: UInt64 = 1
        static let mostTrees = 1000

        /// Nil for bytes that are no such record.
        init?(_ bytes: [UInt8]) {
            guard let root = try? JSONDocument(bytes).root,
                root["schema"]?.integer(UInt64.self) == Record.schema,
                let name = root["name"]?.string, let created = root["created"]?.string,
                let elements = root["trees"]?.elements, elements.count <= Record.mostTrees
            else { return nil }
            let trees = elements.compactMap(Tree.init)
            if trees.count != elements.count { return nil }
            var mappings: IDMappings?
            if let recorded = root["mappings"] {
                guard let found = IDMappings(sandbox: recorded) else { return nil }
                mappings = found
            }
            self.init(name: name, created: created, trees: trees, mappings: mappings)
        }

        var bytes: [UInt8] {
            var members: [(key: String, value: JSONOutput)] = [
                ("schema", .unsigned(Record.schema)), ("name", .string(name)),
                ("created", .string(created)), ("trees", .array(trees.map(\.output))),
            ]
            if let mappings { members.append(("mappings", mappings.output)) }
            return Array(JSONOutput.object(members).prettyText.utf8)
        }
    }
}

extension KeptSandbox.Tree {
    fileprivate init?(_ value: JSONValue) {
        guard let path = value["path"]?.string, path.hasPrefix("/"),
            let directory = value["directory"]?.string, directory.isPlainName,
            !directory.hasPrefix("."), !directory.isEmpty,
            let seconds = value["begun"]?["seconds"]?.integer(Int64.self),
            let nanoseconds = value["begun"]?["nanoseconds"]?.integer(Int64.self)
        else { return nil }
        self.init(
            path: path, destination: value["destination"]?.string, directory: directory,
            begun: FileTime(seconds: seconds, nanoseconds: nanoseconds))
    }

    fileprivate var output: JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [("path", .string(path))]
        if let destination { members.append(("destination", .string(destination))) }
        members.append(("directory", .string(directory)))
        members.append(
            (
                "begun",
                [
                    "seconds": .integer(begun.seconds),
                    "nanoseconds": .integer(Int64(begun.nanoseconds)),
                ]
            ))
        return .object(members)
    }
}

/// With the names of config.json.
extension IDMappings {
    fileprivate init?(sandbox value: JSONValue) {
        guard let users = value["uidMappings"].flatMap(IDMap.init(sandbox:)),
            let groups = value["gidMappings"].flatMap(IDMap.init(sandbox:))
        else { return nil }
        self.init(users: users, groups: groups)
    }

    var output: JSONOutput {
        ["uidMappings": users.output, "gidMappings": groups.output]
    }
}

extension IDMap {
    fileprivate init?(sandbox value: JSONValue) {
        var ranges: [IDRange] = []
        for range in value.elements {
            guard let inside = range["containerID"]?.integer(UInt32.self),
                let outside = range["hostID"]?.integer(UInt32.self),
                let count = range["size"]?.integer(UInt32.self)
            else { return nil }
            ranges.append(IDRange(inside: inside, outside: outside, count: count))
        }
        if ranges.isEmpty { return nil }
        self.init(ranges)
    }

    var output: JSONOutput {
        .array(
            ranges.map {
                [
                    "containerID": .unsigned(UInt64($0.inside)),
                    "hostID": .unsigned(UInt64($0.outside)), "size": .unsigned(UInt64($0.count)),
                ]
            })
    }
}
