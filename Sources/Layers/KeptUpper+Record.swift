internal import JSON
internal import LinuxSystem

extension KeptUpper.Record {
    /// Nil for bytes that are no record.
    init?(_ bytes: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root,
            let layers = root["layers"]?.elements.compactMap(\.string)
        else { return nil }
        self.init(
            layers: layers, options: root["options"]?.elements.compactMap(\.string) ?? [],
            owners: IDMappings(recorded: root))
    }

    var bytes: [UInt8] { Array(JSONOutput.object(members).prettyText.utf8) }

    /// As it is written down: the mappings by the names that config.json has for them.
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
