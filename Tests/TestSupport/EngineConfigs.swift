import Glibc
import JSON

/// The configs of Tests/configs.
public struct EngineConfig: Sendable {
    /// The file, without `.json`.
    public let engine: String
    /// The command line.
    public let name: String
    /// config.json
    public let text: String

    public var description: String { "\(engine): \(name)" }

    public static let engines = [
        "docker", "podman", "podman-rootless", "buildah", "containerd", "by-hand",
    ]

    public static func all(of engine: String) throws -> [EngineConfig] {
        let path = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        let document = try JSONDocument(bytes(of: "\(path)/configs/\(engine).json"))
        let shared = document.root["shared"]?.elements ?? []
        return (document.root["configs"]?.elements ?? []).map { entry in
            EngineConfig(
                engine: engine, name: entry["name"]?.string ?? "",
                text: entry["config"].map { expanded($0, shared) } ?? "")
        }
    }

    private static func expanded(_ value: JSONValue, _ shared: [JSONValue]) -> String {
        switch value.kind {
        case .object:
            if let place = value["$"]?.integer(Int.self) { return expanded(shared[place], shared) }
            let members = value.members.map { key, member in
                String(decoding: key.text, as: UTF8.self) + ":" + expanded(member, shared)
            }
            return "{" + members.joined(separator: ",") + "}"
        case .array:
            return "[" + value.elements.map { expanded($0, shared) }.joined(separator: ",") + "]"
        default: return String(decoding: value.text, as: UTF8.self)
        }
    }

    private static func bytes(of path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
