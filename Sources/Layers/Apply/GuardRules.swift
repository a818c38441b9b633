internal import LinuxSystem

/// Whether a path is on the list of `GuardedPaths`. The tree is gone through from its root, and
/// below a path that is on the list nothing is asked.
public final class GuardRules {
    private typealias Name = [UInt8]

    private var names: [Name: String] = [:]
    private var endings: [(ending: Name, reason: String)] = []
    /// By the last name.
    private var tails: [Name: [(names: [Name], isOfHost: Bool, reason: String)]] = [:]
    /// Those of the tree's own path on the host.
    private let prefix: [Name]
    /// Why everything in the tree is guarded: it lies below a path of the list.
    private var whole: String?

    /// - Parameter tree: The path of the tree on the host; nil where the host uses nothing of it in
    ///   place, as a layer.
    public init(tree: String?) {
        prefix = (tree ?? "").utf8.split(separator: 0x2f).map(GuardRules.folded)
        for (name, reason) in GuardedPaths.names { names[Array(name.utf8)] = reason }
        for (ending, reason) in GuardedPaths.endings {
            endings.append((Array(ending.utf8), reason))
        }
        for (path, reason) in GuardedPaths.tails { add(path, isOfHost: false, reason) }
        if tree != nil {
            for (path, reason) in GuardedPaths.hostPaths { add(path, isOfHost: true, reason) }
        }
        for count in 0..<prefix.count {
            if let found = reason(Array(prefix[...count])) {
                whole = found
                break
            }
        }
    }

    private func add(_ path: String, isOfHost: Bool, _ reason: String) {
        let parts = path.utf8.split(separator: 0x2f).map(GuardRules.folded)
        guard let last = parts.last else { return }
        tails[last, default: []].append((parts, isOfHost, reason))
    }

    /// Why the path is guarded; nil where it is not.
    ///
    /// - Parameter path: In the tree.
    public func reason(for path: LayerPath) -> String? {
        if let whole { return whole }
        if path.bytes.isEmpty { return nil }
        let start = path.bytes.lastIndex(of: 0x2f).map { $0 + 1 } ?? 0
        let name = GuardRules.folded(path.bytes[start...])
        if let found = names[name] { return found }
        if let found = ending(of: name) { return found }
        if tails[name] == nil { return nil }
        return reason(prefix + path.bytes.split(separator: 0x2f).map(GuardRules.folded))
    }

    private func ending(of name: Name) -> String? {
        for (ending, reason) in endings
        where name.count > ending.count && name.suffix(ending.count) == ending[...] {
            return reason
        }
        return nil
    }

    private func reason(_ parts: [Name]) -> String? {
        guard let last = parts.last else { return nil }
        if let found = names[last] ?? ending(of: last) { return found }
        for (names, isOfHost, reason) in tails[last] ?? [] {
            if isOfHost ? parts == names : parts.suffix(names.count) == names[...] {
                return reason
            }
        }
        return nil
    }

    private static func folded(_ bytes: some Collection<UInt8>) -> Name {
        bytes.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
    }
}
