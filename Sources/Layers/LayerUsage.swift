public import LinuxSystem
internal import SystemPackage

/// What one layer adds to those below it, what it takes away, and what later ones hide of it.
public struct LayerUsage: Sendable, Hashable {
    /// Files that are no directories, by name.
    public var files = 0
    /// Bytes of regular files; a file with several names counts once.
    public var bytes: UInt64 = 0
    /// Whiteouts: names of lower layers that are gone.
    public var removed = 0
    /// Directories that hide all that lower layers have there.
    public var emptied = 0
    /// Files, and their bytes, that a later layer replaces or removes.
    public var hiddenFiles = 0
    public var hiddenBytes: UInt64 = 0

    public init() {}

    /// Of each layer of the stack, the bottom first.
    public static func all(_ stack: LayerStack) throws(Failure) -> [LayerUsage] {
        var usages: [LayerUsage] = []
        for root in stack.roots {
            var usage = LayerUsage()
            let alone = LayerStack([try root.numbered(0)], marks: stack.marks)
            var walk = TreeWalk(alone, .changes)
            while let node = try walk.next() {
                guard let found = node.found else {
                    usage.removed += 1
                    continue
                }
                if node.isOpaque && node.path != .root { usage.emptied += 1 }
                if found.status.kind == .directory { continue }
                usage.files += 1
                if node.link == nil { usage.bytes.add(upToLimit: found.dataBytes) }
            }
            usages.append(usage)
        }
        // What is seen of each when all lie on each other.
        var seen = [(files: Int, bytes: UInt64)](repeating: (0, 0), count: usages.count)
        var walk = TreeWalk(stack, .merged, compares: false)
        while let node = try walk.next() {
            guard let found = node.found, found.status.kind != .directory else { continue }
            let layer = found.directory.layer
            guard seen.indices.contains(layer) else { continue }
            seen[layer].files += 1
            if node.link == nil { seen[layer].bytes.add(upToLimit: found.dataBytes) }
        }
        for index in usages.indices {
            usages[index].hiddenFiles = max(usages[index].files - seen[index].files, 0)
            let (bytes, visible) = (usages[index].bytes, seen[index].bytes)
            usages[index].hiddenBytes = bytes > visible ? bytes - visible : 0
        }
        return usages.reversed()
    }
}

extension LayerStack.Found {
    /// Of a regular file with its data.
    fileprivate var dataBytes: UInt64 {
        status.kind == .regular && !isMetacopy ? UInt64(max(status.size, 0)) : 0
    }
}
