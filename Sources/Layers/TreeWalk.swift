internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// Goes through layers name by name, each directory before what is in it, names in the order of
/// their bytes. It holds what lies on the way to the file it is at, and no more.
struct TreeWalk {
    enum Extent: Sendable {
        /// The files of the uppers, beside those that were there before them.
        case changes
        /// The files of the uppers, so that no layer below is needed to understand them:
        /// directories that were moved with all that is in them.
        case standalone
        /// All layers as one.
        case merged
        /// Where a view differs from the layers below it, and the directories on the way there.
        case view
    }

    /// The file that the walk is at.
    struct Node {
        var path: LayerPath
        /// Nil for a whiteout.
        var found: LayerStack.Found?
        /// The file of the layers below under this path.
        var before: LayerStack.Found?
        /// Where it was before, of a directory that was moved or is in one.
        var origin: LayerPath?
        /// Another name of the same file that the walk has been at.
        var link: LayerPath?
        /// Of a directory: what the layers below have of it is hidden.
        var isOpaque = false
        /// Of a directory or a file without its data: it is the uppers that say it was elsewhere.
        var isMoved = false
        /// Of a directory of a view: nothing of it has changed, unless something in it has.
        var isUntouched = false
        /// Of the root directory: the topmost layer says what it is like.
        var saysRoot = false
    }

    private struct Level {
        var path: LayerPath
        /// Where it was in the layers below.
        var origin: LayerPath
        var parts: [LayerDirectory]
        var before: [LayerDirectory]
        /// Whether the uppers alone say what there is.
        var isUpper: Bool
        var names: MergedNames
    }

    /// Every level holds its path, and the directories that it is made of: how deep a tree is its
    /// writer decides.
    private static let mostLevels = 4096
    private static let mostBytes = 64 << 10

    private let stack: LayerStack
    /// Where what is there now is looked up.
    private let present: LayerStack
    private let extent: Extent
    /// How many of the topmost layers are taken for one, the upper.
    private let uppers: Int
    private let compares: Bool
    private var levels: [Level] = []
    private var pending: (node: Node, level: Level?)?
    private var hasBegun = false
    private var links = HardLinks()
    /// Directories that are not worth a word yet, from the top.
    private var unsaid: [Node] = []
    /// The next nodes, the first last.
    private var ready: [Node] = []

    /// - Parameter compares: Whether the files of the layers below are looked at, too; not for
    ///   `changes` and `view`.
    init(_ stack: LayerStack, _ extent: Extent, uppers: Int = 1, compares: Bool = true) {
        let isWhole = stack.isView && extent == .merged
        self.stack = isWhole ? stack.view : stack
        present = stack.isView ? stack.view : stack
        self.extent = stack.isView && !isWhole ? .view : extent
        self.uppers = uppers
        self.compares = compares
    }

    /// The next file; nil at the end.
    mutating func next() throws(Failure) -> Node? {
        if let node = ready.popLast() { return node }
        while let node = try step() {
            unsaid.removeAll { !node.path.isInside($0.path) }
            if node.isUntouched {
                unsaid.append(node)
                continue
            }
            ready = [node] + unsaid.reversed()
            unsaid = []
            return ready.popLast()
        }
        return nil
    }

    /// Leaves out everything in the directory that the walk has just been at.
    mutating func skipContents() { pending = nil }

    private mutating func step() throws(Failure) -> Node? {
        if !hasBegun { return try begin() }
        if let (node, level) = pending {
            pending = nil
            try enter(node, level)
        }
        while !levels.isEmpty {
            let last = levels.count - 1
            guard let name = levels[last].names.next() else {
                levels.removeLast()
                continue
            }
            if let node = try look(at: name, in: levels[last]) {
                pending = (node, levels[last])
                return node
            }
        }
        return nil
    }

    private mutating func begin() throws(Failure) -> Node {
        hasBegun = true
        var node = Node(path: .root)
        try attempt("fstat", on: .root, try describeRoot(&node))
        pending = (node, nil)
        return node
    }

    private func describeRoot(_ node: inout Node) throws(Errno) {
        let below = Array(stack.roots.dropFirst(uppers))
        if let top = present.roots.first {
            let isKept = try KeptUpper.place(of: top.borrowed) != nil
            let isWritten = isKept || stack.isView
            let mode = isWritten ? nil : try LayerRoot.mode(recordedOn: top.borrowed)
            node.saysRoot = mode != nil
            node.found =
                isWritten || extent != .merged
                ? try root(of: present.roots, like: top, mode) : try root(of: present.roots)
        }
        if let layer = stack.rootLayer {
            node.before = try root(of: below, like: layer, nil)
        } else if !below.isEmpty {
            node.before = try root(of: below)
        }
    }

    /// The root directory of layers together, as an upper on them is made.
    private func root(of parts: [LayerDirectory]) throws(Errno) -> LayerStack.Found {
        let layers = Array(parts.reversed())
        let model = try LayerRoot.model(among: layers.map(\.borrowed))
        return try root(of: parts, like: layers[model.position], model.mode)
    }

    private func root(
        of parts: [LayerDirectory], like layer: LayerDirectory, _ mode: UInt32?
    ) throws(Errno) -> LayerStack.Found {
        var status = stack.seen(try FileStatus.of(layer.borrowed))
        if let mode { status.permissions = mode }
        var found = LayerStack.Found(status: status, name: .itself, directory: layer)
        found.parts = parts
        return found
    }

    private mutating func enter(_ node: Node, _ level: Level?) throws(Failure) {
        guard let found = node.found, found.status.kind == .directory else { return }
        if levels.count > TreeWalk.mostLevels || node.path.bytes.count > TreeWalk.mostBytes {
            throw Failure(
                "the tree is nested too deep: more than \(TreeWalk.mostLevels) directories, or"
                    + " \(TreeWalk.mostBytes) bytes of path, above a file; remove what lies there")
        }
        if extent == .standalone && node.isMoved && stack.roots.count == uppers {
            throw Failure.missingLayer(node.path)
        }
        let isUpper =
            switch extent {
            case .changes, .view: true
            case .standalone: (level?.isUpper ?? true) && !node.isMoved
            case .merged: false
            }
        var before = compares ? node.before?.parts ?? [] : []
        let now = isUpper ? found.parts.filter { $0.layer < uppers } : found.parts
        // In a view nothing stands for what is gone.
        let listed = extent == .view ? now + before : now
        let names = try attempt("readdir", on: node.path, try MergedNames(listed))
        if extent == .changes && node.isMoved { before = found.parts.filter { $0.layer >= uppers } }
        // Nothing of what was in it is left: what is in it now is new, also where it is the same.
        if extent == .changes && node.isOpaque { before = [] }
        levels.append(
            Level(
                path: node.path, origin: node.origin ?? node.path, parts: found.parts,
                before: before, isUpper: isUpper, names: names))
    }

    private mutating func look(
        at name: FileName, in level: Level
    ) throws(Failure) -> Node? {
        var node = Node(path: level.path.appending(name))
        let path = node.path
        let lookup = try attempt("lookup", on: path, try present.lookup(name, in: level.parts))
        if !level.before.isEmpty {
            let before = try attempt("lookup", on: path, try stack.lookup(name, in: level.before))
            if case .found(let found) = before { node.before = found }
        }
        switch lookup {
        // It was removed meanwhile; of a view, by the container.
        case .nothing: return extent == .view && node.before != nil ? node : nil
        case .whiteout: return level.isUpper ? node : nil
        case .found(let found):
            if level.isUpper && found.directory.layer >= uppers { return nil }
            node.found = found
            if extent == .view, let before = node.before,
                found.status.isUntouched(since: before.status)
            {
                if found.status.kind != .directory { return nil }
                node.isUntouched = true
            }
            node.link = links.note(found, path)
            node.isOpaque = found.opaqueLayer.map { $0 < uppers } ?? false
            let own = level.origin.appending(name)
            if let origin = redirected(found, from: level), origin != own, node.link == nil {
                node.isMoved = true
                node.origin = origin
                // With all that is in it, it needs nothing of what is below.
                if extent == .standalone { node.isOpaque = true }
            } else if level.origin != level.path {
                node.origin = own
            }
            return node
        }
    }

    /// Where the uppers say that something was. Of a file without its data that has got another
    /// name they say it under every name, its first one too.
    private func redirected(_ found: LayerStack.Found, from level: Level) -> LayerPath? {
        guard let redirect = found.redirect, redirect.layer < uppers else { return nil }
        return LayerPath(redirect: redirect.target, beside: level.origin)
    }
}

/// The names that directories have together, each once, in order.
private struct MergedNames {
    private var lists: [(names: FileNameList, position: Int)] = []

    init(_ parts: [LayerDirectory]) throws(Errno) {
        for part in parts { lists.append((try FileNameList(of: part.borrowed), 0)) }
    }

    mutating func next() -> FileName? {
        var least: FileName?
        for list in lists where list.position < list.names.count {
            let name = list.names[list.position]
            if least.map({ name < $0 }) ?? true { least = name }
        }
        guard let least else { return nil }
        for (index, list) in lists.enumerated()
        where list.position < list.names.count && list.names[list.position] == least {
            lists[index].position += 1
        }
        return least
    }
}

/// Files that have more names than the walk has been at.
private struct HardLinks {
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private var open: [Identity: (path: LayerPath, left: UInt64)] = [:]

    /// The first name of a file that has been met before.
    mutating func note(_ found: LayerStack.Found, _ path: LayerPath) -> LayerPath? {
        let status = found.status
        if status.kind == .directory || status.linkCount < 2 { return nil }
        let identity = Identity(device: status.device, inode: status.inode)
        guard let (first, left) = open[identity] else {
            open[identity] = (path, status.linkCount - 1)
            return nil
        }
        open[identity] = left > 1 ? (first, left - 1) : nil
        return first
    }
}

extension FileStatus {
    /// Whether it is still the file of a layer below. A program that changes a file can set the
    /// time back when its content has changed; the time when anything of it has is the kernel's.
    fileprivate func isUntouched(since before: FileStatus) -> Bool {
        kind == before.kind && permissions == before.permissions && userID == before.userID
            && groupID == before.groupID && size == before.size && modified == before.modified
            && changed == before.changed && deviceNumber == before.deviceNumber
    }
}
