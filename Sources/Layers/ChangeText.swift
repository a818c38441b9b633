public import JSON
public import LinuxSystem

/// A change for people and for programs.
extension Change {
    /// One line as `git status --short` has them, without its end.
    public var line: String {
        var text = "\(kind.letter) \(path.shown(isDirectory: isDirectory))"
        var details = self.details
        if let guarded { details.append("guarded: \(guarded)") }
        if !details.isEmpty { text += "  " + details.joined(separator: ", ") }
        return text
    }

    /// Everything but the content: `mode 644 -> 755`.
    private var details: [String] {
        var words: [String] = []
        if let origin { words.append("was \(origin.shown(isDirectory: isDirectory))") }
        if let link { words.append("same file as \(link.shown())") }
        guard let before, let after else { return words }
        let others = aspects.subtracting([.content, .times])
        if aspects.contains(.content), !others.isEmpty || !words.isEmpty {
            words.insert("content", at: 0)
        }
        if kind == .replaced { words.append("\(before.kind.words) -> \(after.kind.words)") }
        if aspects.contains(.emptied) { words.append("emptied first") }
        if aspects.contains(.mode) {
            words.append("mode \(before.octalMode) -> \(after.octalMode)")
        }
        if aspects.contains(.owner) {
            words.append(
                "owner \(before.userID):\(before.groupID) -> \(after.userID):\(after.groupID)")
        }
        for name in attributes { words.append("xattr \(LayerPath(bytes: Array(name.utf8)).name)") }
        if aspects.contains(.target) { words.append("link target") }
        if aspects.contains(.device) {
            words.append("device \(before.deviceNumber) -> \(after.deviceNumber)")
        }
        if kind == .unchanged { words.append(aspects.contains(.times) ? "times" : "copied up") }
        return words
    }

    /// How many bytes of content more there are than before.
    public var growth: Int64 {
        func bytes(_ status: FileStatus?) -> Int64 {
            status?.kind == .regular ? status?.size ?? 0 : 0
        }
        return link == nil ? bytes(after) - bytes(before) : -bytes(before)
    }

    public var json: JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("change", .string(kind.rawValue)), ("path", .string(path.text)),
        ]
        members += Change.bytes("path", path)
        if let kind = (after ?? before)?.kind { members.append(("type", .string(kind.words))) }
        let changed = Aspects.names.filter { aspects.contains($0.0) }.map(\.1)
        if !changed.isEmpty { members.append(("changed", .array(changed.map(JSONOutput.string)))) }
        if !attributes.isEmpty {
            members.append(("xattrs", .array(attributes.map(JSONOutput.string))))
        }
        if let origin {
            members.append(("from", .string(origin.text)))
            members += Change.bytes("from", origin)
        }
        if let link {
            members.append(("link", .string(link.text)))
            members += Change.bytes("link", link)
        }
        if let guarded { members.append(("guarded", .string(guarded))) }
        if let before { members.append(("before", before.json)) }
        if let after { members.append(("after", after.json)) }
        return .object(members)
    }

    /// The bytes of a name that is not text.
    private static func bytes(
        _ key: String, _ path: LayerPath
    ) -> [(key: String, value: JSONOutput)] {
        if path.isText { return [] }
        let digits = ([0x2f] + path.bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return [(key + "Bytes", .string(digits.joined()))]
    }
}

extension LayerPath {
    /// For what is a name and no path.
    fileprivate var name: String {
        let text = shown()
        return text.hasPrefix("\"") ? "\"" + text.dropFirst(2) : String(text.dropFirst())
    }
}

extension FileKind {
    public var words: String {
        switch self {
        case .regular: "file"
        case .directory: "directory"
        case .symbolicLink: "symlink"
        case .characterDevice: "character device"
        case .blockDevice: "block device"
        case .fifo: "fifo"
        case .socket: "socket"
        }
    }
}

extension FileStatus {
    fileprivate var octalMode: String { String(permissions, radix: 8) }

    fileprivate var json: JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("type", .string(kind.words)), ("mode", .string(octalMode)),
            ("uid", .unsigned(UInt64(userID))), ("gid", .unsigned(UInt64(groupID))),
        ]
        if kind == .regular { members.append(("size", .integer(size))) }
        if kind == .characterDevice || kind == .blockDevice {
            members.append(("device", .string(deviceNumber.description)))
        }
        let fraction = String(modified.nanoseconds)
        let zeros = String(repeating: "0", count: 9 - fraction.count)
        members.append(("mtime", .string("\(modified.seconds).\(zeros)\(fraction)")))
        return .object(members)
    }
}
