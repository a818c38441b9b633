public import LinuxSystem
internal import SystemPackage

/// The changes of runs: the uppers beside the layers below them.
///
/// It costs by what the uppers hold: of those below nothing is looked at but the files that lie
/// under their own.
public struct Comparison {
    private let stack: LayerStack
    private let uppers: Int
    private var walk: TreeWalk

    /// - Parameters:
    ///   - stack: The uppers, and below them the layers that they were written over.
    ///   - uppers: How many there are.
    public init(_ stack: LayerStack, uppers: Int = 1) {
        self.stack = stack
        self.uppers = uppers
        walk = TreeWalk(stack, .changes, uppers: uppers)
    }

    /// The next change, `unchanged` ones too; nil at the end.
    public mutating func next() throws(Failure) -> Change? {
        while let node = try walk.next() {
            if let change = try change(of: node) { return change }
        }
        return nil
    }

    private func change(of node: TreeWalk.Node) throws(Failure) -> Change? {
        var change = Change(kind: .unchanged, path: node.path, node: node)
        change.before = node.before?.status
        change.after = node.found?.status
        change.link = node.link
        guard let found = node.found else {
            // A whiteout over nothing: it was made and removed by the run, or the layers are others.
            guard node.before != nil else { return nil }
            change.kind = .deleted
            return change
        }
        if node.isMoved {
            change.kind = .moved
            change.origin = node.origin
            return change
        }
        guard let before = node.before else {
            change.kind = .added
            return change
        }
        if before.status.kind != found.status.kind {
            change.kind = .replaced
            return change
        }
        (change.aspects, change.attributes) = try differences(node.path, before, found)
        if node.isOpaque && found.status.kind == .directory { change.aspects.insert(.emptied) }
        if !change.aspects.subtracting(.times).isEmpty { change.kind = .modified }
        return change
    }

    private func differences(
        _ path: LayerPath, _ before: LayerStack.Found, _ after: LayerStack.Found
    ) throws(Failure) -> (Change.Aspects, [String]) {
        var aspects: Change.Aspects = []
        let new = after.status
        let old = path == .root ? before.status.withOwner(knownTo: new) : before.status
        if old.permissions != new.permissions { aspects.insert(.mode) }
        if (old.userID, old.groupID) != (new.userID, new.groupID) { aspects.insert(.owner) }
        if old.modified != new.modified { aspects.insert(.times) }
        let attributes = try attempt(
            "getxattr", on: path, try changedAttributes(before, after, isRoot: path == .root))
        if !attributes.isEmpty { aspects.insert(.attributes) }
        switch new.kind {
        case .regular:
            let isSame = try attempt("read", on: path, try hasSameContent(before, after))
            if !isSame { aspects.insert(.content) }
        case .symbolicLink:
            let isSame = try attempt(
                "readlink", on: path,
                try before.directory.borrowed.linkTarget(before.name)
                    == after.directory.borrowed.linkTarget(after.name))
            if !isSame { aspects.insert(.target) }
        case .characterDevice, .blockDevice:
            if old.deviceNumber != new.deviceNumber { aspects.insert(.device) }
        case .directory, .fifo, .socket: break
        }
        return (aspects, attributes)
    }

    /// The content itself is what counts where the sizes are the same: the program that changed it
    /// may have set the times back.
    private func hasSameContent(
        _ before: LayerStack.Found, _ after: LayerStack.Found
    ) throws(Errno) -> Bool {
        if before.status.size != after.status.size { return false }
        let old = try before.openData()
        let new = try after.openData()
        // Its data may still be that of the layers below.
        if try FileStatus.of(old.borrowed).isSameFile(as: FileStatus.of(new.borrowed)) {
            return true
        }
        return try old.borrowed.hasSameData(as: new.borrowed, size: after.status.size)
    }

    /// - Parameter isRoot: A new upper has no attributes of the layer that it is made like.
    private func changedAttributes(
        _ before: LayerStack.Found, _ after: LayerStack.Found, isRoot: Bool
    ) throws(Errno) -> [String] {
        let old = isRoot ? [] : try stack.attributes(of: before)
        let new = try stack.attributes(of: after)
        let gone = old.filter { one in !new.contains { $0.name == one.name } }.map(\.name)
        let changed = new.filter { one in
            !old.contains { $0.name == one.name && $0.value == one.value }
        }.map(\.name)
        return (gone + changed).sorted()
    }
}

extension LayerStack.Found {
    /// Opens the data of a regular file for reading.
    func openData() throws(Errno) -> OwnedDescriptor {
        if isMetacopy {
            guard let data else { throw .noData }
            return try data.directory.borrowed.openRegular(data.name)
        }
        return try directory.borrowed.openRegular(name)
    }
}

extension LayerStack {
    /// The extended attributes of a file, in the order of their names, with the owners that the
    /// container sees.
    func attributes(of found: Found) throws(Errno) -> [(name: String, value: [UInt8])] {
        var attributes: [(name: String, value: [UInt8])] = []
        let directory = found.directory.borrowed
        for name in try directory.attributeNames(of: found.name) where !marks.contains(name) {
            guard let value = try directory.attribute(name, of: found.name) else { continue }
            attributes.append((name, owners.map { $0.seen(name, value) } ?? value))
        }
        return attributes
    }
}

extension FileStatus {
    /// Of the root directory of a tree: with the owner of an upper that is laid over it, where its own
    /// is one that the user namespace does not know. No upper can have that owner.
    func withOwner(knownTo upper: FileStatus) -> FileStatus {
        var status = self
        if OwnUserNamespace.isUnknown(userID) { status.userID = upper.userID }
        if OwnUserNamespace.isUnknown(groupID) { status.groupID = upper.groupID }
        return status
    }

    fileprivate func isSameFile(as other: FileStatus) -> Bool {
        device == other.device && inode == other.inode
    }
}
