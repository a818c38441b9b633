internal import Archives
internal import JSON
internal import LinuxSystem

/// The config of an image, made of a bundle's config.json over that of the image it came from
/// (OCI image-spec, conversion, backwards).
struct PackedConfig {
    let config: Document
    /// Nil for a bundle that was made of no image.
    let original: Document?
    /// The config that `unpack` has put the config.json over.
    let base: JSONOutput
    let layers: [PackedLayer]
    /// In RFC 3339.
    let created: String

    var platform: Platform {
        let root = original?.root
        guard let system = root?["os"]?.string, let architecture = root?["architecture"]?.string
        else { return .current }
        return Platform(
            system: system, architecture: architecture, variant: root?["variant"]?.string)
    }

    var user: ImageUser {
        let user = config.root["process"]?["user"]
        return ImageUser(
            userID: user?["uid"]?.integer(UInt32.self) ?? 0,
            groupID: user?["gid"]?.integer(UInt32.self) ?? 0,
            additionalGroups: (user?["additionalGids"]?.elements ?? []).compactMap {
                $0.integer(UInt32.self)
            })
    }

    /// - Parameter userName: How the image calls the user; nil for numbers.
    func json(_ userName: String?) -> JSONOutput {
        var json = original.map { JSONOutput($0.root) } ?? .object([])
        json.set("architecture", .string(platform.architecture))
        json.set("os", .string(platform.system))
        json.set("created", .string(created))
        json.set("config", runConfig(userName))
        json.set(
            "rootfs",
            .object([
                ("type", .string("layers")),
                ("diff_ids", .array(layers.map { .string($0.diffID.description) })),
            ]))
        json.set("history", .array(history))
        return json
    }

    private func runConfig(_ userName: String?) -> JSONOutput {
        var json = original?.root["config"].map(JSONOutput.init) ?? .object([])
        if case .null = json { json = .object([]) }
        let process = config.root["process"]
        let user = user
        json.set(
            "User",
            .string(
                userName
                    ?? (user.userID == 0 && user.groupID == 0
                        ? "" : "\(user.userID):\(user.groupID)")))
        // Where the image said nothing config.json has what is usual, which is none of the image.
        let own = original?.root["config"]
        let place = process?["cwd"]?.string ?? "/"
        let isUsualPlace = original != nil && (own?["WorkingDir"]?.string ?? "").isEmpty
        if !(isUsualPlace && place == "/") { json.set("WorkingDir", .string(place)) }
        let variables = process?["env"]?.texts ?? []
        if original == nil
            || variables != BundleConfig.environment(own?["Env"]?.texts ?? [], over: usual("env"))
        {
            json.set("Env", .strings(variables))
        }
        let arguments = process?["args"]?.texts ?? []
        let ownArguments = (own?["Entrypoint"]?.texts ?? []) + (own?["Cmd"]?.texts ?? [])
        let isUsual =
            original != nil && ownArguments.isEmpty
            && usual("args")?.texts == arguments
        if ownArguments != arguments && !isUsual {
            json.set("Entrypoint", .strings(arguments))
            json.set("Cmd", .null)
        }
        let labels = self.labels
        if !labels.isEmpty { json.set("Labels", .object(labels)) }
        let annotations = config.root["annotations"]
        if let signal = annotations?["org.opencontainers.image.stopSignal"]?.string {
            json.set("StopSignal", .string(signal))
        }
        return json
    }

    /// A member of the process that config.json has where an image says nothing.
    private func usual(_ key: String) -> JSONOutput? { base["process"]?[key] }

    /// Annotations that are not made of other fields of an image.
    private var labels: [(key: String, value: JSONOutput)] {
        let made = [
            "os", "architecture", "variant", "author", "created", "stopSignal", "exposedPorts",
        ]
        return (config.root["annotations"]?.members ?? []).compactMap { key, value in
            guard let name = key.string, let text = value.string,
                !made.contains(where: { name == "org.opencontainers.image.\($0)" })
            else { return nil }
            return (name, .string(text))
        }
    }

    /// That of the image as far as its layers are still the lowest ones, and an entry for each
    /// other layer.
    private var history: [JSONOutput] {
        let known = original?.root["rootfs"]?["diff_ids"]?.texts ?? []
        var entries: [JSONOutput] = []
        var left = layers[...]
        if known.count <= layers.count,
            zip(known, layers).allSatisfy({ $0 == $1.diffID.description })
        {
            entries = (original?.root["history"]?.elements ?? []).map(JSONOutput.init)
            left = layers.dropFirst(known.count)
        }
        return entries
            + left.map { _ in
                .object([
                    ("created", .string(created)), ("created_by", .string("vfs-run pack")),
                ])
            }
    }
}
