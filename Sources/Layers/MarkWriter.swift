public import LinuxSystem
internal import Overlay
public import SystemPackage

/// Writes into a layer what it hides of the layers below it: for `unpack`, for `commit` to a
/// directory, and for snapshots that are merged.
public final class MarkWriter {
    /// The kinds of notes that may be written, the first one that this process may write first.
    private var kinds: [OverlayMarks]
    /// Whether the kernel lets this process make whiteouts that are devices: on an overlay it lets
    /// nobody.
    private var makesDevices = true
    /// Whether anything is hidden by attributes.
    private var hasNotes = false

    /// Notes of the kind that this process may write: a layer that others may stack as they can.
    public convenience init() { self.init([.trusted, .user]) }

    init(_ kinds: [OverlayMarks]) {
        self.kinds = kinds
    }

    /// Hides a name of the layers below: by a device 0:0, or where that is not allowed by an empty
    /// file with a note on it.
    ///
    /// - Throws: `Errno.fileExists` where the layer itself has something of that name.
    public func hide(_ name: FileName, in parent: FileDescriptor) throws(Errno) {
        try makeWhiteout(name, in: parent)
        // Without it the kernel lists the whiteouts of a directory that no other layer has
        // (ovl_check_origin_xattr): names that are not there.
        do throws(Errno) {
            try note(\.origin, [], on: .itself, in: parent)
        } catch .notSupported {
            // Of a file system without such attributes: the kernel lists them.
        }
    }

    private func makeWhiteout(_ name: FileName, in parent: FileDescriptor) throws(Errno) {
        if makesDevices {
            do throws(Errno) {
                return try parent.makeNode(
                    name, mode: FileKind.characterDevice.modeBits,
                    device: DeviceNumber(major: 0, minor: 0))
            } catch .notPermitted {
                makesDevices = false
            }
        }
        let flags: OpenFlags = [.create, .exclusive, .writeOnly]
        _ = try parent.open(name, flags, mode: 0o600).borrowed
        hasNotes = true
        try note(\.whiteout, [], on: name, in: parent)
        if let kind = kinds.first, try parent.attribute(kind.opaque, of: .itself) == nil {
            try parent.setAttribute(kind.opaque, [UInt8(ascii: "x")], of: .itself)
        }
    }

    /// Whether a name of this layer hides what is below, and nothing else.
    public func hides(_ name: FileName, in parent: FileDescriptor) throws(Errno) -> Bool {
        let status = try FileStatus.of(name, in: parent)
        for kind in kinds where try kind.isWhiteout(status, name, in: parent) { return true }
        return false
    }

    /// Hides all that the layers below have in a directory.
    public func makeOpaque(_ directory: FileDescriptor) throws(Errno) {
        hasNotes = true
        try note(\.opaque, [UInt8(ascii: "y")], on: .itself, in: directory)
    }

    /// Says on the root of the layer of which kind its notes are.
    public func finish(_ root: FileDescriptor) throws(Errno) {
        guard hasNotes, let kind = kinds.first?.kind else { return }
        do throws(Errno) {
            try root.setAttribute(LayerMarks.attribute, Array(kind.rawValue.utf8), of: .itself)
        } catch .notSupported where kind == .trusted {
            // A file system without user.* attributes: no overlay with userxattr can be on it.
        }
    }

    /// Says on the root of the layer which mode the container's root directory has.
    public func record(rootMode mode: UInt32, on root: FileDescriptor) throws(Errno) {
        try LayerRoot.record(mode, on: root)
    }

    private func note(
        _ mark: KeyPath<OverlayMarks, String>, _ value: [UInt8], on name: FileName,
        in parent: FileDescriptor
    ) throws(Errno) {
        while let kind = kinds.first {
            do throws(Errno) {
                try parent.setAttribute(kind[keyPath: mark], value, of: name)
                // All notes of a layer are of one kind.
                kinds = [kind]
                return
            } catch {
                let isRefused = error == .notPermitted || error == .notSupported
                if !isRefused || kinds.count == 1 { throw error }
                kinds.removeFirst()
            }
        }
    }
}
