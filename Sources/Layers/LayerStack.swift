public import LinuxSystem
public import SystemPackage

/// A directory of one layer, open for reading.
public final class LayerDirectory: Sendable {
    private let descriptor: OwnedDescriptor
    /// 0 is the topmost layer.
    let layer: Int
    /// Goes with it: a lock.
    private let kept: (any Sendable & AnyObject)?

    public init(
        _ descriptor: consuming OwnedDescriptor, layer: Int,
        keeping kept: (any Sendable & AnyObject)? = nil
    ) {
        self.descriptor = descriptor
        self.layer = layer
        self.kept = kept
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }
}

/// Directories that lie on each other, and what they look like as one, by overlayfs's rules.
///
/// Nothing is mounted, so it takes no privilege; and everything is reached name by name from the
/// layers' descriptors, and no link is followed.
public struct LayerStack: Sendable {
    /// Top first.
    public let roots: [LayerDirectory]
    public let marks: OverlayMarks
    /// Those of the user namespace that the uppers were written in: owners are what it knows them
    /// as. One of a layer that it does not reach was mapped when the layer was mounted, and stands
    /// for itself.
    public var owners: IDMappings?
    /// The one that the uppers' root directory has its mode and owner from; nil for the lowest.
    public var rootLayer: LayerDirectory?
    /// Whether the topmost one is no layer, but all of them as one with an upper that no process
    /// sees: the kernel shows it.
    public let isView: Bool

    /// - Parameter roots: Top first, numbered from 0.
    public init(_ roots: [LayerDirectory], marks: OverlayMarks, isView: Bool = false) {
        self.roots = roots
        self.marks = marks
        self.isView = isView
    }

    /// Of a view that alone, and none of the layers that make it up.
    var view: LayerStack {
        var view = LayerStack(Array(roots.prefix(1)), marks: .none)
        view.owners = owners
        return view
    }

    /// The file of a name.
    struct Found {
        /// Of the topmost layer that has it.
        var status: FileStatus
        var name: FileName
        var directory: LayerDirectory
        /// Of a directory: those that make it up, top first.
        var parts: [LayerDirectory] = []
        /// Of a directory: the layer that hides what those below it have. It is opaque there, or
        /// that layer has a whiteout or another kind of file under the name.
        var opaqueLayer: Int?
        /// Where it was in the layers below, as the topmost layer has it that says so.
        var redirect: (target: [UInt8], layer: Int)?
        /// Of a file whose data is further below: that layer's name of it.
        var data: (directory: LayerDirectory, name: FileName)?
        var isMetacopy = false
    }

    enum Lookup {
        case nothing
        /// Hidden by the topmost layer that has anything to say about it.
        case whiteout
        case found(Found)
    }

    /// The status of a file, with the owners that the container sees.
    func seen(_ status: FileStatus) -> FileStatus {
        guard let owners else { return status }
        var seen = status
        seen.userID = owners.users.inside(of: status.userID) ?? status.userID
        seen.groupID = owners.groups.inside(of: status.groupID) ?? status.groupID
        return seen
    }

    /// Looks up a name in `parts`, the directories that make up a merged one.
    func lookup(_ name: FileName, in parts: [LayerDirectory]) throws(Errno) -> Lookup {
        var search = Search(stack: self, path: [name], places: parts[...])
        while let place = search.places.popFirst() {
            if try !search.look(in: place) { break }
        }
        if let found = search.found { return .found(found) }
        return search.isHidden ? .whiteout : .nothing
    }
}

/// A name on its way down through the layers (overlayfs.rst, "Directories", "redirect_dir",
/// "Metadata only copy up").
private struct Search {
    let stack: LayerStack
    /// More than one name behind a redirect from the root.
    var path: [FileName]
    /// The directories that `path` starts from, one a layer.
    var places: ArraySlice<LayerDirectory>
    var found: LayerStack.Found?
    var isHidden = false

    init(stack: LayerStack, path: [FileName], places: ArraySlice<LayerDirectory>) {
        self.stack = stack
        self.path = path
        self.places = places
    }

    /// Looks in one layer; false when those below do not count any more.
    mutating func look(in place: LayerDirectory) throws(Errno) -> Bool {
        var place = place
        var goesOn = true
        let names = path
        for (index, name) in names.dropLast().enumerated() {
            guard let (status, isHidden) = try status(of: name, in: place) else {
                return goesOn || end(at: place)
            }
            if isHidden || status.kind != .directory { return end(at: place) }
            place = try open(name, in: place)
            if try stack.marks.isOpaque(place.borrowed) { goesOn = false }
            try redirect(of: .itself, in: place, behind: names.count - 1 - index)
        }
        guard let name = names.last, let (status, isHidden) = try status(of: name, in: place) else {
            return goesOn || end(at: place)
        }
        if isHidden {
            self.isHidden = found == nil
            return end(at: place)
        }
        return try take(status, name, in: place) && (goesOn || end(at: place))
    }

    /// The layers below `place` do not count any more: a directory that was found above it hides
    /// what they have under the name, in every stack of layers that this one is a part of.
    ///
    /// - Returns: False, as `look` does then.
    private mutating func end(at place: LayerDirectory) -> Bool {
        if found?.status.kind == .directory { found?.opaqueLayer = place.layer }
        return false
    }

    private func status(
        of name: FileName, in place: LayerDirectory
    ) throws(Errno) -> (FileStatus, isHidden: Bool)? {
        let status: FileStatus
        do {
            status = stack.seen(try FileStatus.of(name, in: place.borrowed))
        } catch .noSuchFileOrDirectory {
            return nil
        }
        return (status, try stack.marks.isWhiteout(status, name, in: place.borrowed))
    }

    private func open(_ name: FileName, in place: LayerDirectory) throws(Errno) -> LayerDirectory {
        LayerDirectory(
            try place.borrowed.open(name, [.readOnly, .directory]), layer: place.layer)
    }

    private mutating func take(
        _ status: FileStatus, _ name: FileName, in place: LayerDirectory
    ) throws(Errno) -> Bool {
        if status.kind == .directory { return try takeDirectory(status, name, in: place) }
        guard status.kind == .regular else {
            if found == nil {
                found = LayerStack.Found(status: status, name: name, directory: place)
            }
            return end(at: place)
        }
        // A file below a directory is hidden by it.
        if found?.status.kind == .directory { return end(at: place) }
        let isMetacopy =
            try stack.marks.value(
                stack.marks.metacopy, of: name, in: place.borrowed) != nil
        if found == nil {
            found = LayerStack.Found(status: status, name: name, directory: place)
            found?.isMetacopy = isMetacopy
        } else if !isMetacopy {
            found?.data = (place, name)
        }
        if isMetacopy { try redirect(of: name, in: place, behind: 0) }
        return isMetacopy
    }

    private mutating func takeDirectory(
        _ status: FileStatus, _ name: FileName, in place: LayerDirectory
    ) throws(Errno) -> Bool {
        if let found, found.status.kind != .directory { return false }
        let directory = try open(name, in: place)
        let isOpaque = try stack.marks.isOpaque(directory.borrowed)
        if found == nil {
            found = LayerStack.Found(status: status, name: name, directory: place)
        }
        found?.parts.append(directory)
        if isOpaque { return end(at: place) }
        try redirect(of: .itself, in: directory, behind: 0)
        return true
    }

    /// Where the layers below are to be looked in for what a file is now called.
    ///
    /// - Parameter behind: How many names stand behind it in the path.
    private mutating func redirect(
        of name: FileName, in place: LayerDirectory, behind: Int
    ) throws(Errno) {
        guard
            let target = try stack.marks.value(
                stack.marks.redirect, of: name, in: place.borrowed)
        else { return }
        if behind == 0 && found?.redirect == nil { found?.redirect = (target, place.layer) }
        let rest = path.suffix(behind)
        if target.first == 0x2f {
            guard let names = LayerPath.names(of: target), !names.isEmpty else {
                throw .invalidArgument
            }
            path = names + rest
            places = stack.roots.filter { $0.layer > place.layer }[...]
        } else {
            guard let sibling = FileName(target) else { throw .invalidArgument }
            path = path.dropLast(behind + 1) + [sibling] + rest
        }
    }
}
