internal import JSON
public import LinuxSystem

extension KeptUpper {
    /// The layers below an upper, and how the overlay was mounted.
    public struct Record: Sendable, Hashable {
        /// Absolute, bottom first.
        public var layers: [String]
        /// The overlay's options.
        public var options: [String]
        /// Of the container's user namespace, where it has one.
        public var owners: IDMappings?

        public init(layers: [String], options: [String], owners: IDMappings? = nil) {
            self.layers = layers
            self.options = options
            self.owners = owners
        }

        /// Nil for bytes that are no record.
        init?(_ bytes: [UInt8]) {
            guard let root = try? JSONDocument(bytes).root,
                let layers = root["layers"]?.elements.compactMap(\.string)
            else { return nil }
            self.init(
                layers: layers, options: root["options"]?.elements.compactMap(\.string) ?? [],
                owners: IDMappings(recorded: root))
        }

        /// The position of the first layer that is another one.
        func firstDifference(from other: Record) -> Int? {
            let most = max(layers.count, other.layers.count)
            return (0..<most).first {
                $0 >= layers.count || $0 >= other.layers.count || layers[$0] != other.layers[$0]
            }
        }

        /// Where the kernel keeps its notes.
        public var marks: OverlayMarks { options.contains("userxattr") ? .user : .trusted }

        var bytes: [UInt8] { Array(JSONOutput.object(members).prettyText.utf8) }

        /// The mappings have the names of config.json.
        var members: [(key: String, value: JSONOutput)] {
            var members: [(key: String, value: JSONOutput)] = [
                ("layers", .array(layers.map(JSONOutput.string))),
                ("options", .array(options.map(JSONOutput.string))),
            ]
            if let owners {
                members.append(("uidMappings", owners.users.recorded))
                members.append(("gidMappings", owners.groups.recorded))
            }
            return members
        }
    }
}

extension IDMappings {
    /// Nil where there are none.
    init?(recorded value: JSONValue) {
        guard let users = value["uidMappings"], let groups = value["gidMappings"] else {
            return nil
        }
        self.init(users: IDMap(recorded: users), groups: IDMap(recorded: groups))
    }
}

extension IDMap {
    fileprivate init(recorded value: JSONValue) {
        self.init(
            value.elements.compactMap { range in
                guard let inside = range["containerID"]?.integer(UInt32.self),
                    let outside = range["hostID"]?.integer(UInt32.self),
                    let count = range["size"]?.integer(UInt32.self)
                else { return nil }
                return IDRange(inside: inside, outside: outside, count: count)
            })
    }

    fileprivate var recorded: JSONOutput {
        .array(
            ranges.map {
                .object([
                    ("containerID", .unsigned(UInt64($0.inside))),
                    ("hostID", .unsigned(UInt64($0.outside))),
                    ("size", .unsigned(UInt64($0.count))),
                ])
            })
    }
}
