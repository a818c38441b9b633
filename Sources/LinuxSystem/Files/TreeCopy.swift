public import SystemPackage

/// Copies of whole trees within one file system.
public enum TreeCopy {
    /// How deep a tree may be: a descriptor is open for each directory on the way, twice.
    private static let deepest = 256

    /// Copies what is in `source` into the empty directory `target`: files, links, directories, nodes,
    /// with owners, modes, times and attributes. Names of one file become files of their own.
    ///
    /// - Throws: `Errno.tooManySymbolicLinkLevels` for a tree that is too deep.
    public static func copy(
        from source: FileDescriptor, to target: FileDescriptor
    ) throws(Errno) {
        var way = [
            try Held(OwnedDescriptor.duplicate(source), OwnedDescriptor.duplicate(target), nil)
        ]
        while let level = way.last {
            guard let name = level.names.popLast() else {
                way.removeLast()
                if let name = level.name, let parent = way.last {
                    try dress(name, from: parent.source.borrowed, to: parent.target.borrowed)
                }
                continue
            }
            try Interruption.check()
            let (from, to) = (level.source.borrowed, level.target.borrowed)
            let status = try FileStatus.of(name, in: from)
            switch status.kind {
            case .directory:
                if way.count == deepest { throw .tooManySymbolicLinkLevels }
                try to.makeDirectory(name, mode: 0o700)
                way.append(
                    try Held(
                        from.open(name, [.readOnly, .directory]),
                        to.open(name, [.readOnly, .directory]), name))
                continue
            case .regular:
                let file = try from.openRegular(name)
                let copy = try to.open(
                    name, [.create, .exclusive, .writeOnly], mode: 0o600)
                try copy.borrowed.copyFile(from: file.borrowed, size: status.size)
            case .symbolicLink:
                try to.makeSymbolicLink(name, to: try from.linkTarget(name))
            case .characterDevice, .blockDevice, .fifo, .socket:
                try to.makeNode(
                    name, mode: status.kind.modeBits | status.permissions,
                    device: status.deviceNumber)
            }
            try dress(name, from: from, to: to)
        }
    }

    private final class Held {
        let source: OwnedDescriptor
        let target: OwnedDescriptor
        var names: [FileName]
        let name: FileName?

        init(
            _ source: consuming OwnedDescriptor, _ target: consuming OwnedDescriptor,
            _ name: FileName?
        ) throws(Errno) {
            names = try source.borrowed.names()
            self.source = source
            self.target = target
            self.name = name
        }
    }

    /// Owner, attributes, mode and times, in this order: a change of the owner takes capabilities and
    /// set-id bits away, and the times come last.
    public static func dress(
        _ name: FileName, from source: FileDescriptor, to target: FileDescriptor
    ) throws(Errno) {
        let status = try FileStatus.of(name, in: source)
        try target.changeOwner(name, user: status.userID, group: status.groupID)
        for attribute in try source.attributeNames(of: name) {
            guard let value = try source.attribute(attribute, of: name) else { continue }
            try target.setAttribute(attribute, value, of: name)
        }
        if status.kind != .symbolicLink { try target.changeMode(name, status.permissions) }
        try target.changeTimes(name, to: status.modified)
    }
}
