internal import Archives
internal import JSON

/// The config.json of a bundle that was made of an image (OCI image-spec, conversion).
struct BundleConfig {
    var image: ImageConfig
    var user: ImageUser
    var volumes: [ImageVolumes.Place]
    /// Directories of the layers, bottom first, as the bundle names them.
    var layers: [String]
    /// The value of `root.path`.
    var root: String

    /// The config of a container of the image: `base`, where the image says nothing else.
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
            if !arguments.isEmpty { process.set("args", .strings(arguments)) }
            process.set(
                "env",
                .strings(
                    BundleConfig.environment(image.environment, over: process["env"])))
            if !image.workingDirectory.isEmpty {
                let path = image.workingDirectory
                process.set("cwd", .string(path.hasPrefix("/") ? path : "/" + path))
            }
        }
        if !volumes.isEmpty { json.update("mounts") { $0.append(volumes.map(mount)) } }
        let annotations = self.annotations
        if !annotations.isEmpty {
            json.set("annotations", .object(annotations.map { ($0.key, .string($0.value)) }))
        }
        json.set(
            "vfs", .object([("overlay", .object([("layers", .strings(layers))]))]))
        return json
    }

    private var additionalGroups: [(key: String, value: JSONOutput)] {
        if user.additionalGroups.isEmpty { return [] }
        let ids = user.additionalGroups.map { JSONOutput.unsigned(UInt64($0)) }
        return [("additionalGids", .array(ids))]
    }

    /// The image's variables, and the default ones that it does not set.
    static func environment(_ variables: [String], over base: JSONOutput?) -> [String] {
        let own = variables.filter(isVariable)
        var result: [String] = []
        for entry in base?.texts ?? [] {
            let name = entry.prefix { $0 != "=" } + "="
            if !own.contains(where: { $0.hasPrefix(name) }) { result.append(entry) }
        }
        return result + own
    }

    /// A volume is not part of the writable layer; it starts with the files that the
    /// image has there, its mode and its owner among that.
    private func mount(_ volume: ImageVolumes.Place) -> JSONOutput {
        let options = ["nosuid", "nodev"] + (volume.exists ? ["tmpcopyup"] : ["mode=755"])
        return .object([
            ("destination", .string(volume.path)),
            ("type", .string("tmpfs")), ("source", .string("volume")),
            ("options", .strings(options)),
        ])
    }

    /// The parts of the image that are left out.
    var notes: [String] {
        let labels = image.labels.filter { BundleConfig.isInterpreted($0.key) }.map {
            "the label \(shown($0.key)) is left out: as an annotation it would change the"
                + " container or its systemd scope"
        }
        let variables = image.environment.filter { !BundleConfig.isVariable($0) }.map {
            "the variable \(shown($0)) is left out: it has no name, or no \"=\""
        }
        return labels + variables
    }

    /// Whether this program takes an annotation of that name for more than text.
    private static func isInterpreted(_ label: String) -> Bool {
        label.hasPrefix("org.systemd.property.") || label.hasPrefix("run.oci.")
            || label == "org.criu.config"
    }

    /// Whether it is `NAME=VALUE`, as config.json has it.
    private static func isVariable(_ text: String) -> Bool {
        (text.utf8.firstIndex(of: UInt8(ascii: "=")) ?? text.utf8.startIndex) > text.utf8.startIndex
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
        for (key, value) in image.labels where !key.isEmpty && !BundleConfig.isInterpreted(key) {
            add(key, value)
        }
        return found
    }

}

extension JSONValue {
    /// The texts of an array.
    var texts: [String] { elements.compactMap(\.string) }
}

extension JSONOutput {
    static func strings(_ texts: [String]) -> JSONOutput { .array(texts.map(JSONOutput.string)) }

    /// The texts of an array.
    var texts: [String] {
        guard case .array(let elements) = self else { return [] }
        return elements.compactMap { element in
            if case .string(let text) = element { return text }
            return nil
        }
    }

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
