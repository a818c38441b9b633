internal import LinuxSystem
internal import SystemPackage

/// A directory on the way to the file that is planned.
final class ApplyLevel {
    let path: LayerPath
    /// In the sandbox.
    let status: FileStatus
    /// Whether its attributes are applied.
    let isSelected: Bool
    var attributes: [(name: String, value: [UInt8])] = []
    /// It, or a directory above it, is on the list of guarded paths.
    var guarded: (path: LayerPath, reason: String)?

    // Of a directory that the tree has:
    var target: LayerDirectory?
    var current: FileStatus?
    /// Whether it, or a directory above it, hides what the tree has under its path.
    var hidesTree = false
    /// Whether the steps change its time.
    var isTouched = false
    /// The attributes that the steps change, as they are now.
    var replaced: (values: [FileAttributes.Attribute], absent: [String]) = ([], [])

    // Of a new one:
    /// Nil where nothing is written.
    var staged: LayerDirectory?
    var storePath = LayerPath.root
    var owner: (user: UInt32, group: UInt32)?
    /// Of the topmost new one: its number in the store, and the file that it takes the place of.
    var top: (number: UInt64, current: FileStatus?)?

    var isNew: Bool { current == nil }

    init(_ path: LayerPath, _ status: FileStatus, isSelected: Bool) {
        self.path = path
        self.status = status
        self.isSelected = isSelected
    }
}
