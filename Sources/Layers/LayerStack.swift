public import LinuxSystem
internal import SystemPackage

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
        var search = LayerSearch(stack: self, path: [name], places: parts[...])
        while let place = search.places.popFirst() {
            if try !search.look(in: place) { break }
        }
        if let found = search.found { return .found(found) }
        return search.isHidden ? .whiteout : .nothing
    }
}
