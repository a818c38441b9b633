public import LinuxSystem
internal import SystemPackage

/// The names of layers in a config:
///
///     ../rootfs/base       a directory, relative to the bundle
///     python               the same; if missing, the directory in `layers`
///     sha256:4a1c…         by its diff-id: `layers/sha256/4a1c…`
///     app.mstack           a directory of systemd.mstack(7): all its layers
///
/// `layers` is a directory in the bundle or in its parent directory.
public struct LayerNames {
    /// Absolute.
    let bundle: String

    public init(bundle: String) {
        self.bundle = bundle
    }

    private var stores: [String] { ["\(bundle)/layers", "\(bundle)/../layers"] }

    /// The directories of a name, bottom first, absolute.
    public func directories(_ name: String) throws(Failure) -> [String] {
        if name.hasPrefix("sha256:") { return [try store(digest: name)] }
        let path = PathText.absolute(name, from: bundle)
        if path.hasSuffix(".mstack") || path.hasSuffix(".mstack/") { return try stack(path) }
        if !name.utf8.contains(UInt8(ascii: "/")), kind(path) == nil {
            for store in stores where kind("\(store)/\(name)") == .directory {
                return ["\(store)/\(name)"]
            }
        }
        return [path]
    }

    private func kind(_ path: String) -> FileKind? { try? FileStatus.of(path: path).kind }

    private func store(digest: String) throws(Failure) -> String {
        let digits = digest.dropFirst(7)
        let isDigest =
            digits.utf8.count == 64
            && digits.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
        if !isDigest {
            throw Failure(
                "\"\(digest)\" is not a digest; write sha256: and 64 hexadecimal digits")
        }
        for store in stores where kind("\(store)/sha256/\(digits)") == .directory {
            return "\(store)/sha256/\(digits)"
        }
        throw Failure(
            "the layer \(digest) is not in \"\(stores[0])/sha256\" or"
                + " \"\(stores[1])/sha256\"; unpack an image with this layer")
    }

    /// The layers of a stack. A part that is not supported, such as an image or a mount elsewhere, is
    /// an error.
    private func stack(_ path: String) throws(Failure) -> [String] {
        let names: [String]
        let links: Set<String>
        var hasData = false
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            names = try directory.borrowed.entries().filter { !$0.hasPrefix(".") }
            let opened = directory.borrowed
            links = Set(
                names.filter { (try? FileStatus.of($0, in: opened).kind) != .directory })
            if names.contains("rw"), !links.contains("rw") {
                let inner = try directory.borrowed.open("rw", [.readOnly, .directory])
                hasData = (try? FileStatus.of("data", in: inner.borrowed).kind) == .directory
            }
        } catch {
            throw Failure("the stack \"\(path)\" cannot be read: \(error.words)")
        }
        let isLayer = { (name: String) in name.hasPrefix("layer@") && !name.hasSuffix(".raw") }
        if let other = names.sorted().first(where: { !isLayer($0) && $0 != "rw" }) {
            throw Failure(
                "the stack \"\(path)\" contains \"\(other)\", which is not supported; remove it:"
                    + " only directories layer@ID and rw are")
        }
        let sorted = names.filter(isLayer).sorted(by: LayerNames.isOlder)
        // A stack may be of another user: a symbolic link could expose any directory of the host.
        if let name = (sorted + ["rw"]).first(where: links.contains) {
            throw Failure(
                "the stack \"\(path)\" contains \"\(name)\", which is not a directory; symbolic links"
                    + " in a stack are not followed")
        }
        var layers = sorted.map { "\(path)/\($0)" }
        if hasData { layers.append("\(path)/rw/data") }
        if layers.isEmpty {
            throw Failure("the stack \"\(path)\" has no layer; add a directory layer@ID")
        }
        return layers
    }

    /// The order of versions: runs of digits count as numbers.
    static func isOlder(_ one: String, _ other: String) -> Bool {
        var (left, right) = (Array(one.utf8)[...], Array(other.utf8)[...])
        func takeNumber(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
            let digits = text.prefix { (0x30...0x39).contains($0) }
            if digits.isEmpty { return nil }
            text = text.dropFirst(digits.count)
            return digits.drop { $0 == 0x30 }
        }
        while !left.isEmpty && !right.isEmpty {
            if let first = takeNumber(&left) {
                guard let second = takeNumber(&right) else { return true }
                if first.count != second.count { return first.count < second.count }
                if !first.elementsEqual(second) {
                    return first.lexicographicallyPrecedes(second)
                }
                continue
            }
            if takeNumber(&right) != nil { return false }
            guard let first = left.popFirst(), let second = right.popFirst() else { break }
            if first != second { return first < second }
        }
        return left.isEmpty && !right.isEmpty || left.isEmpty && right.isEmpty && one < other
    }
}
