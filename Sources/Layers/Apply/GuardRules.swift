public import LinuxSystem
internal import SystemPackage

/// Whether a path is on the list of `GuardedPaths`. The tree is gone through from its root, and
/// below a path that is on the list nothing is asked.
public final class GuardRules {
    private typealias Name = [UInt8]

    private var names: [Name: String] = [:]
    private var endings: [(ending: Name, reason: String)] = []
    /// By the last name.
    private var tails: [Name: [(names: [Name], isOfHost: Bool, reason: String)]] = [:]
    /// The path of the tree.
    private let root: String
    /// The names in it, where the host uses the tree in place.
    private let prefix: [Name]
    /// Why everything in the tree is guarded: it lies below a path of the list.
    private var whole: String?

    /// - Parameters:
    ///   - root: The path of the tree on the host.
    ///   - isUsedInPlace: Not for a layer, whose `/etc` is that of a container.
    public init(root: String, isUsedInPlace: Bool) {
        self.root = root
        prefix = (isUsedInPlace ? root : "").utf8.split(separator: 0x2f).map(GuardRules.folded)
        for (name, reason) in GuardedPaths.names { names[Array(name.utf8)] = reason }
        for (ending, reason) in GuardedPaths.endings {
            endings.append((Array(ending.utf8), reason))
        }
        for (path, reason) in GuardedPaths.tails { add(path, isOfHost: false, reason) }
        if isUsedInPlace {
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

    /// Whether a symbolic link may lead out: by its text alone, since what it leads to may change.
    /// After a name a `..` may lead anywhere, by way of another link.
    func leadsOut(_ target: [UInt8], from path: LayerPath) -> Bool {
        var rest = target[...]
        var depth = path.bytes.split(separator: 0x2f).count - 1
        if target.first == 0x2f {
            let root = Array(root.utf8)
            let prefix = root == [0x2f] ? root : root + [0x2f]
            if Array(target) == root { return false }
            if !target.starts(with: prefix) { return true }
            rest = target[prefix.count...]
            depth = 0
        }
        var hasName = false
        for part in rest.split(separator: 0x2f) where part != [0x2e] {
            if part != [0x2e, 0x2e] {
                hasName = true
                continue
            }
            if hasName { return true }
            depth -= 1
            if depth < 0 { return true }
        }
        return false
    }

    /// Why a change is guarded; nil where it is not.
    ///
    /// - Parameter above: The last guarded path; set to this one.
    public func reason(
        for change: Change, below above: inout (path: LayerPath, reason: String)?
    ) throws(Failure) -> String? {
        if let above, change.path.isInside(above.path) { return above.reason }
        if let found = reason(for: change.path) {
            above = (change.path, found)
            return found
        }
        guard let after = change.after, change.kind != .unchanged else { return nil }
        if after.kind == .regular && after.permissions & 0o6000 != 0 { return "set-id bits" }
        if change.attributes.contains("security.capability") { return "file capabilities" }
        if after.kind == .symbolicLink, let found = change.node.found {
            let target = try attempt(
                "readlink", on: change.path,
                try found.directory.borrowed.linkTarget(found.name))
            if leadsOut(target, from: change.path) { return "the link leads out of the tree" }
        }
        return nil
    }

    private static func folded(_ bytes: some Collection<UInt8>) -> Name {
        bytes.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
    }
}
