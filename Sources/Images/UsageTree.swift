internal import Archives
internal import Layers
internal import LinuxSystem

/// The names of an image's layers as they lie on each other. The image has chosen them: their number and
/// their depth have bounds, and no walk is recursive.
final class UsageTree {
    private var layers: [(name: String, usage: LayerUsage)] = []
    private var limits: Limits
    private let root = Node(.directory)

    /// What one layer has under a name.
    private final class Node {
        enum Kind {
            case directory, whiteout
            case file(Content)
        }

        var kind: Kind
        /// Of a directory: nothing of the layers below is in it.
        var isOpaque = false
        var children: [FileName: Node] = [:]
        var layer = 0

        init(_ kind: Kind) { self.kind = kind }

        var isDirectory: Bool { if case .directory = kind { true } else { false } }

        /// A directory of that name, made in the place of anything else.
        func directory(_ name: FileName) -> Node {
            if let known = children[name], known.isDirectory { return known }
            let made = Node(.directory)
            // What the whiteout has hidden the directory hides.
            if case .whiteout? = children[name]?.kind { made.isOpaque = true }
            children[name] = made
            return made
        }
    }

    /// What one or several names of a layer stand for.
    private final class Content {
        let bytes: UInt64
        /// Whether its bytes are counted: in its layer, and in what is seen at the end.
        var isCounted = false
        var isSeen = false

        init(_ bytes: UInt64) { self.bytes = bytes }
    }

    init(_ limits: Limits) { self.limits = limits }

    /// Reads one layer and lays it on those before.
    ///
    /// - Parameter counted: Called for each entry.
    func add(
        _ name: String, _ reader: ArchiveReader, counted: () -> Void
    ) throws(Failure) {
        let top = Node(.directory)
        while let entry = try reader.nextEntry() {
            counted()
            try limits.take(entry: entry.kind == .hardLink ? 0 : max(entry.size, 0))
            try add(entry, try EntryPath(entry.path), below: top)
        }
        layers.append((name, merge(top, number: layers.count)))
    }

    private func add(
        _ entry: ArchiveEntry, _ path: EntryPath, below top: Node
    ) throws(Failure) {
        guard let name = path.names.last else { return }
        var parent = top
        for above in path.parents {
            // The directories that no entry names are as many as the archive likes.
            if parent.children[above]?.isDirectory != true { try limits.take(entry: 0) }
            parent = parent.directory(above)
        }
        if name.isReservedForWhiteouts { return hide(name, in: parent) }
        switch entry.kind {
        case .directory: _ = parent.directory(name)
        case .hardLink:
            let target = try EntryPath(entry.linkTarget)
            guard case .file(let content)? = UsageTree.find(target, below: top)?.kind else {
                throw Failure(
                    "the entry \(path.text) is another name of \(target.text), which is no file in"
                        + " the same layer")
            }
            parent.children[name] = Node(.file(content))
        default:
            let bytes = entry.kind == .regular ? UInt64(max(entry.size, 0)) : 0
            parent.children[name] = Node(.file(Content(bytes)))
        }
    }

    private static func find(_ path: EntryPath, below top: Node) -> Node? {
        var found: Node? = top
        for name in path.names { found = found?.children[name] }
        return found
    }

    private func hide(_ name: FileName, in parent: Node) {
        if name.bytes == FileName.opaqueMarker { return parent.isOpaque = true }
        guard !name.isMetadata, let hidden = name.hidden else { return }
        guard let known = parent.children[hidden] else {
            return parent.children[hidden] = Node(.whiteout)
        }
        // A whiteout hides what is in the layers below, not in its own.
        if known.isDirectory { known.isOpaque = true }
    }

    /// Lays a layer on what is there, and counts it.
    private func merge(_ top: Node, number: Int) -> LayerUsage {
        var usage = LayerUsage()
        var pending: [(above: Node, below: Node)] = [(top, root)]
        if top.isOpaque { root.children = [:] }
        while let (above, below) = pending.popLast() {
            for (name, node) in above.children {
                switch node.kind {
                case .whiteout:
                    usage.removed += 1
                    below.children[name] = nil
                case .file(let content):
                    usage.files += 1
                    if !content.isCounted { usage.bytes.add(upToLimit: content.bytes) }
                    content.isCounted = true
                    node.layer = number
                    below.children[name] = node
                case .directory:
                    if node.isOpaque {
                        usage.emptied += 1
                        below.children[name] = nil
                    }
                    pending.append((node, below.directory(name)))
                }
            }
            above.children = [:]
        }
        return usage
    }

    /// With what later layers hide of each.
    var usages: [(name: String, usage: LayerUsage)] {
        var seen = [(files: Int, bytes: UInt64)](repeating: (0, 0), count: layers.count)
        var pending = [root]
        while let directory = pending.popLast() {
            for node in directory.children.values {
                guard case .file(let content) = node.kind else {
                    pending.append(node)
                    continue
                }
                seen[node.layer].files += 1
                if !content.isSeen { seen[node.layer].bytes.add(upToLimit: content.bytes) }
                content.isSeen = true
            }
        }
        return zip(layers, seen).map { layer, seen in
            var usage = layer.usage
            usage.hiddenFiles = max(usage.files - seen.files, 0)
            usage.hiddenBytes = usage.bytes > seen.bytes ? usage.bytes - seen.bytes : 0
            return (layer.name, usage)
        }
    }
}
