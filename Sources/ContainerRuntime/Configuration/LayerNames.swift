internal import LinuxSystem
internal import SystemPackage

/// What a config may call a layer:
///
///     ../rootfs/base       a directory, relative to the bundle
///     python               the same, or where there is none, that one in `layers`
///     sha256:4a1c…         by its diff-id: `layers/sha256/4a1c…`
///     app.mstack           a directory of systemd.mstack(7): all its layers
///
/// `layers` is a directory of the bundle or beside it.
public struct LayerNames {
    /// Absolute.
    let bundle: String

    public init(bundle: String) {
        self.bundle = bundle
    }

    /// A name that means no layer.
    public struct Failure: Error {
        public var sentence: String
    }

    private var stores: [String] { ["\(bundle)/layers", "\(bundle)/../layers"] }

    /// The directories that a name means, bottom first, absolute.
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
                sentence: "\"\(digest)\" is no digest; it is sha256: and 64 hexadecimal digits")
        }
        for store in stores where kind("\(store)/sha256/\(digits)") == .directory {
            return "\(store)/sha256/\(digits)"
        }
        throw Failure(
            sentence: "the layer \(digest) is neither in \"\(stores[0])/sha256\" nor in"
                + " \"\(stores[1])/sha256\"; unpack the image that has it")
    }

    /// Those of its parts that are directories in an overlay. What would be mounted elsewhere, or is
    /// an image, is not left out in silence.
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
            if names.contains("rw"), !links.contains("rw"), let rw = FileName("rw") {
                let inner = try directory.borrowed.open(rw, [.readOnly, .directory])
                hasData = (try? FileStatus.of("data", in: inner.borrowed).kind) == .directory
            }
        } catch {
            throw Failure(sentence: "the stack \"\(path)\" cannot be read: \(error.words)")
        }
        let isLayer = { (name: String) in name.hasPrefix("layer@") && !name.hasSuffix(".raw") }
        if let other = names.sorted().first(where: { !isLayer($0) && $0 != "rw" }) {
            throw Failure(
                sentence: "the stack \"\(path)\" has \"\(other)\", which is not supported; layer@ID"
                    + " and rw are, as directories")
        }
        let sorted = names.filter(isLayer).sorted(by: LayerNames.isOlder)
        // A stack may have come from elsewhere: a link in it would show any directory of the host.
        if let name = (sorted + ["rw"]).first(where: links.contains) {
            throw Failure(
                sentence: "the stack \"\(path)\" has \"\(name)\", which is no directory; links in a"
                    + " stack are not followed")
        }
        var layers = sorted.map { "\(path)/\($0)" }
        if hasData { layers.append("\(path)/rw/data") }
        if layers.isEmpty {
            throw Failure(sentence: "the stack \"\(path)\" has no layer; a layer is layer@ID in it")
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
