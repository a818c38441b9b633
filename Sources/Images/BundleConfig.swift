internal import Archives
internal import JSON

/// The config.json of a bundle that was made of an image (OCI image-spec, conversion).
struct BundleConfig {
    var image: ImageConfig
    var user: ImageUser
    /// Directories of the layers, bottom first, as the bundle names them.
    var layers: [String]
    /// What `root.path` says.
    var root: String

    /// What a container of the image runs as: `base`, where the image says nothing else.
    func json(over base: JSONOutput) -> JSONOutput {
        var json = base
        json.set("root", .object([("path", .string(root)), ("readonly", .bool(false))]))
        json.update("process") { process in
            process.set(
                "user",
                .object(
                    [
                        ("uid", .unsigned(UInt64(user.userID))),
                        ("gid", .unsigned(UInt64(user.groupID))),
                    ] + additionalGroups))
            let arguments = image.entrypoint + image.command
            if !arguments.isEmpty { process.set("args", BundleConfig.strings(arguments)) }
            process.set("env", BundleConfig.strings(environment(over: process["env"])))
            if !image.workingDirectory.isEmpty {
                let path = image.workingDirectory
                process.set("cwd", .string(path.hasPrefix("/") ? path : "/" + path))
            }
        }
        if !image.volumes.isEmpty { json.update("mounts") { $0.append(image.volumes.map(volume)) } }
        let annotations = self.annotations
        if !annotations.isEmpty {
            json.set("annotations", .object(annotations.map { ($0.key, .string($0.value)) }))
        }
        json.set(
            "vfs", .object([("overlay", .object([("layers", BundleConfig.strings(layers))]))]))
        return json
    }

    private var additionalGroups: [(key: String, value: JSONOutput)] {
        if user.additionalGroups.isEmpty { return [] }
        let ids = user.additionalGroups.map { JSONOutput.unsigned(UInt64($0)) }
        return [("additionalGids", .array(ids))]
    }

    /// The image's variables, and the default ones that it does not set.
    private func environment(over base: JSONOutput?) -> [String] {
        guard case .array(let defaults) = base else { return image.environment }
        var result: [String] = []
        for case .string(let entry) in defaults {
            let name = entry.prefix { $0 != "=" } + "="
            if !image.environment.contains(where: { $0.hasPrefix(name) }) { result.append(entry) }
        }
        return result + image.environment
    }

    /// What is written to a volume does not belong to the writable layer; it starts with what the
    /// image has there.
    private func volume(_ path: String) -> JSONOutput {
        .object([
            ("destination", .string(path.hasPrefix("/") ? path : "/" + path)),
            ("type", .string("tmpfs")), ("source", .string("volume")),
            ("options", BundleConfig.strings(["nosuid", "nodev", "mode=755", "tmpcopyup"])),
        ])
    }

    /// Labels win over what is made of the other fields.
    private var annotations: [(key: String, value: String)] {
        var found: [(key: String, value: String)] = []
        func add(_ key: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            found.removeAll { $0.key == key }
            found.append((key, value))
        }
        let prefix = "org.opencontainers.image."
        add(prefix + "os", image.platform.system)
        add(prefix + "architecture", image.platform.architecture)
        add(prefix + "variant", image.platform.variant)
        add(prefix + "author", image.author)
        add(prefix + "created", image.created)
        add(prefix + "stopSignal", image.stopSignal)
        add(prefix + "exposedPorts", image.ports.joined(separator: ","))
        for (key, value) in image.labels where !key.isEmpty { add(key, value) }
        return found
    }

    private static func strings(_ texts: [String]) -> JSONOutput {
        .array(texts.map(JSONOutput.string))
    }
}

extension JSONOutput {
    /// A member of an object.
    subscript(key: String) -> JSONOutput? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// Sets a member in its place, or at the end.
    mutating func set(_ key: String, _ value: JSONOutput) {
        guard case .object(var members) = self else { return }
        if let place = members.firstIndex(where: { $0.key == key }) {
            members[place].value = value
        } else {
            members.append((key, value))
        }
        self = .object(members)
    }

    mutating func update(_ key: String, _ change: (inout JSONOutput) -> Void) {
        guard var value = self[key] else { return }
        change(&value)
        set(key, value)
    }

    mutating func append(_ more: [JSONOutput]) {
        guard case .array(let elements) = self else { return }
        self = .array(elements + more)
    }
}
