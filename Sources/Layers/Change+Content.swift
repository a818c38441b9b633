public import LinuxSystem
internal import SystemPackage

/// The changes of a file, line by line.
extension Change {
    /// A larger file is not read.
    static let mostBytes: Int64 = 1 << 20

    /// As `diff -u` prints it; a sentence for what is no text or too large; nothing where no content
    /// has changed.
    ///
    /// - Parameter forTerminal: Bytes that would do something to a terminal are replaced.
    public func content(forTerminal: Bool) throws(Failure) -> [UInt8] {
        let hasContent =
            switch kind {
            case .added, .deleted, .replaced: link == nil
            case .modified: aspects.contains(.content)
            case .moved, .unchanged: false
            }
        let old = node.before.flatMap { $0.status.kind == .regular ? $0 : nil }
        let new = node.found.flatMap { $0.status.kind == .regular ? $0 : nil }
        if !hasContent || old == nil && new == nil { return [] }
        if max(old?.status.size ?? 0, new?.status.size ?? 0) > Change.mostBytes {
            return Array("too large to be compared line by line\n".utf8)
        }
        let (before, after) = (try text(of: old), try text(of: new))
        guard let before, let after else { return Array("binary files differ\n".utf8) }
        let hunks = LineDifference(before, after).hunks
        if hunks.isEmpty { return [] }
        let name = path.shown().drop { $0 == "\"" }
        let quote = path.shown().hasPrefix("\"") ? "\"" : ""
        let header =
            "--- \(old == nil ? "/dev/null" : "\(quote)a\(name)")\n"
            + "+++ \(new == nil ? "/dev/null" : "\(quote)b\(name)")\n"
        return Array(header.utf8) + (forTerminal ? Change.harmless(hunks) : hunks)
    }

    /// Nil for what is no text.
    private func text(of file: LayerStack.Found?) throws(Failure) -> [UInt8]? {
        guard let file else { return [] }
        let opened = try attempt("open", on: path, try file.openData())
        let bytes = try attempt(
            "read", on: path, try opened.borrowed.readAll(limit: Int(2 * Change.mostBytes)))
        return bytes.prefix(8000).contains(0) ? nil : bytes
    }

    /// Controls but tab and line feed as `^X`, as cat -v has them.
    private static func harmless(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0a: result.append(UInt8(scalar.value))
            case 0..<0x20: result += [0x5e, UInt8(scalar.value) + 0x40]
            case 0x7f: result += [0x5e, 0x3f]
            case 0x80..<0xa0, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069: result.append(0x3f)
            default: result += Array(String(scalar).utf8)
            }
        }
        return result
    }
}
