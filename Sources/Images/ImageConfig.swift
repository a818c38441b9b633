internal import Archives
internal import JSON
internal import LinuxSystem

/// The config of an image (OCI image-spec, config).
struct ImageConfig: Sendable {
    var platform: Platform
    var author: String?
    var created: String?
    /// Of the layers, bottom first.
    var diffIDs: [Digest]

    var user: String
    var environment: [String]
    var entrypoint: [String]
    var command: [String]
    var workingDirectory: String
    var volumes: [String]
    var ports: [String]
    var labels: [(key: String, value: String)]
    var stopSignal: String?

    init(_ bytes: [UInt8], _ name: String) throws(Failure) {
        let document = try Document(bytes, name)
        let root = document.root
        guard let layers = root["rootfs"]?["diff_ids"], layers.kind == .array else {
            throw document.fail("it has no rootfs.diff_ids; is it the config of an image?")
        }
        diffIDs = []
        for layer in layers.elements {
            guard let digest = Digest(layer.string ?? "") else {
                throw document.fail(
                    "the diff-id \(shown(layer.string ?? "")) is not sha256: and 64"
                        + " lower-case digits")
            }
            diffIDs.append(digest)
        }
        // Some images say nothing, in one way or another: they are taken for what they are run on.
        func named(_ key: String) -> String? {
            root[key]?.string.flatMap { $0.isEmpty ? nil : $0 }
        }
        platform = Platform(
            system: named("os") ?? "linux",
            architecture: named("architecture") ?? Platform.current.architecture,
            variant: named("variant"))
        author = root["author"]?.string
        created = root["created"]?.string
        let config = root["config"]
        user = try ImageConfig.text(config, "User", document) ?? ""
        environment = try ImageConfig.texts(config, "Env", document)
        entrypoint = try ImageConfig.texts(config, "Entrypoint", document)
        command = try ImageConfig.texts(config, "Cmd", document)
        workingDirectory = try ImageConfig.text(config, "WorkingDir", document) ?? ""
        stopSignal = try ImageConfig.text(config, "StopSignal", document)
        volumes = try ImageConfig.keys(config, "Volumes", document)
        ports = try ImageConfig.keys(config, "ExposedPorts", document)
        labels = []
        _ = try ImageConfig.keys(config, "Labels", document)
        for (key, value) in config?["Labels"]?.members ?? [] {
            labels.append((key.string ?? "", value.string ?? ""))
        }
    }

    /// The config of a tar archive, which has none.
    init(diffID: Digest) {
        platform = .current
        diffIDs = [diffID]
        user = ""
        environment = []
        entrypoint = []
        command = []
        workingDirectory = ""
        volumes = []
        ports = []
        labels = []
    }

    /// Of one list: more than any image has, and few enough to be compared with each other.
    private static let mostElements = 2000

    private static func check(
        _ value: JSONValue, _ key: String, _ document: Document
    ) throws(Failure) {
        let count = value.kind == .array ? value.elements.count : value.members.count
        if count > mostElements {
            throw document.fail("config.\(key) has \(count) elements; \(mostElements) are the most")
        }
    }

    private static func text(
        _ config: JSONValue?, _ key: String, _ document: Document
    ) throws(Failure) -> String? {
        guard let value = config?[key], value.kind != .null else { return nil }
        guard let text = value.string, !text.utf8.contains(0) else {
            throw document.fail("config.\(key) is no text")
        }
        return text
    }

    private static func texts(
        _ config: JSONValue?, _ key: String, _ document: Document
    ) throws(Failure) -> [String] {
        guard let value = config?[key], value.kind != .null else { return [] }
        guard value.kind == .array else { throw document.fail("config.\(key) is no array") }
        try check(value, key, document)
        var texts: [String] = []
        for element in value.elements {
            guard let text = element.string, !text.utf8.contains(0) else {
                throw document.fail("config.\(key) has an element that is no text")
            }
            texts.append(text)
        }
        return texts
    }

    private static func keys(
        _ config: JSONValue?, _ key: String, _ document: Document
    ) throws(Failure) -> [String] {
        guard let value = config?[key], value.kind != .null else { return [] }
        guard value.kind == .object else { throw document.fail("config.\(key) is no object") }
        try check(value, key, document)
        return value.members.compactMap(\.key.string).sorted()
    }
}
