internal import LinuxSystem

/// A path inside a layer, from its root: bytes without a slash in front, nothing for the root.
///
/// It is for people and for archives; no file is ever reached by one.
public struct LayerPath: Sendable, Hashable {
    public private(set) var bytes: [UInt8]

    public static let root = LayerPath(bytes: [])

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A path as an overlay's redirect has it: from the root, or beside `self`.
    ///
    /// - Returns: Nil for one that could not have been written by the kernel.
    init?(redirect: [UInt8], beside parent: LayerPath) {
        if redirect.first != 0x2f {
            guard let name = FileName(redirect) else { return nil }
            self = parent.appending(name)
            return
        }
        guard let names = LayerPath.names(of: redirect), !names.isEmpty else { return nil }
        self = names.reduce(.root) { $0.appending($1) }
    }

    /// The names of a path that starts with a slash; nil where one of them is no name.
    static func names(of path: [UInt8]) -> [FileName]? {
        var names: [FileName] = []
        for part in path.dropFirst().split(separator: 0x2f, omittingEmptySubsequences: false) {
            guard let name = FileName(part) else { return nil }
            names.append(name)
        }
        return names
    }

    /// The same path as seen from above: behind the path of a directory, which may be empty.
    public func below(_ directory: String) -> LayerPath {
        let names = directory.utf8.split(separator: 0x2f).map(Array.init)
        if names.isEmpty { return self }
        let prefix = Array(names.joined(separator: [0x2f]))
        return LayerPath(bytes: bytes.isEmpty ? prefix : prefix + [0x2f] + bytes)
    }

    /// Whether it lies in a directory, at any depth.
    public func isBelow(_ directory: LayerPath) -> Bool { isInside(directory) }

    func appending(_ name: FileName) -> LayerPath {
        LayerPath(bytes: bytes.isEmpty ? name.bytes : bytes + [0x2f] + name.bytes)
    }

    /// From the root, as people write it; bytes that are not UTF-8 are replaced.
    public var text: String { "/" + String(decoding: bytes, as: UTF8.self) }

    /// Whether `text` says all of it.
    public var isText: Bool { Array(text.utf8.dropFirst()) == bytes }

    /// From the root, for a line of text: as it is where it is plain, and otherwise in quotes with
    /// the escapes of C, as git has it.
    ///
    /// - Parameter isDirectory: With a slash at its end.
    public func shown(isDirectory: Bool = false) -> String {
        let bytes = [0x2f] + self.bytes + (isDirectory && !self.bytes.isEmpty ? [0x2f] : [])
        let isPlain =
            isText && bytes.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != 0x22 && $0 != 0x5c }
        // What a terminal takes for more than a letter: C1 controls and marks of direction.
        let isHarmless = text.unicodeScalars.allSatisfy {
            $0.value < 0x80 || LayerPath.isLetter($0)
        }
        if isPlain && isHarmless { return String(decoding: bytes, as: UTF8.self) }
        return "\"" + bytes.map(LayerPath.escaped).joined() + "\""
    }

    public var quoted: String {
        let text = shown()
        return text.hasPrefix("\"") ? text : "\"\(text)\""
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator, .spaceSeparator:
            false
        default: true
        }
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0x0a: return "\\n"
        case 0x09: return "\\t"
        case 0x0d: return "\\r"
        case 0x22: return "\\\""
        case 0x5c: return "\\\\"
        case 0x20..<0x7f: return String(UnicodeScalar(byte))
        default:
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }
    }
}
