internal import LinuxSystem
internal import SystemPackage

/// The names of users and groups in a base.
struct BaseNames {
    /// The content of passwd(5); empty where there is none.
    let passwd: [UInt8]
    private let base: SandboxRequest.Base

    private static let mostBytes = 1 << 20

    /// - Parameter host: Has read the file of the host.
    init(_ base: SandboxRequest.Base, _ host: SandboxHost) {
        self.base = base
        passwd =
            switch base {
            case .system, .everything: host.passwd
            case .layers(let layers, _): BaseNames.read("etc/passwd", in: layers)
            case .box: []
            }
    }

    /// The id of a group by its name (group(5)).
    func group(_ name: String) -> UInt32? {
        var bytes: [UInt8]
        switch base {
        // Those of the host would show nothing there.
        case .system: return name == "root" ? 0 : name == "nogroup" ? 65534 : nil
        case .everything:
            bytes = (try? HostPath.read("/etc/group", limit: BaseNames.mostBytes)) ?? []
        case .layers(let layers, _): bytes = BaseNames.read("etc/group", in: layers)
        case .box: return nil
        }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            if fields.count == 4, fields[0].elementsEqual(name.utf8) {
                return UInt32(String(decoding: fields[2], as: UTF8.self)).flatMap {
                    $0 < .max ? $0 : nil
                }
            }
        }
        return nil
    }

    /// The topmost layer's: a layer is an image's, and hostile.
    private static func read(_ path: String, in layers: [String]) -> [UInt8] {
        for layer in layers.reversed() {
            guard let top = try? HostPath.open(layer, [.path, .directory]),
                let file = try? RootDirectory(top).open(
                    path, [.readOnly, .nonBlocking, .noControllingTerminal]),
                (try? FileStatus.of(file.borrowed).kind) == .regular,
                let bytes = try? file.borrowed.readAll(limit: mostBytes)
            else { continue }
            return bytes
        }
        return []
    }
}
