internal import LinuxSystem
public import Overlay
internal import SystemPackage

/// The extended attributes that overlayfs writes its notes in.
///
///     whiteout    an empty file that hides what is below, in a directory whose `opaque` is "x"
///     opaque      "y": what the directory's layers below hold is hidden; "x": it may hold whiteouts
///     redirect    where the directory, or a metacopy file, was in the layers below
///     metacopy    the file has its attributes here and its data below
///     impure, origin, nlink, upper, uuid, protattr   of no meaning outside of the mount
///
/// A whiteout is a character device 0:0, too, in any directory.
public struct OverlayMarks: Sendable, Hashable {
    /// `trusted.overlay.` or `user.overlay.`; empty where there are no notes.
    public let prefix: String

    /// Of an ordinary mount: only root of the host reads or writes them.
    public static let trusted = OverlayMarks(prefix: "trusted.overlay.")
    /// Of a mount with `userxattr`, as users have it.
    public static let user = OverlayMarks(prefix: "user.overlay.")

    /// Of a tree as the kernel shows it: it has carried them out.
    static let none = OverlayMarks(prefix: "")

    /// Those of the overlays that this process mounts, where nothing is said of the layer.
    public static var own: OverlayMarks { Credentials.effectiveUser == 0 ? .trusted : .user }

    public init(_ marks: LayerMarks) { self = marks == .user ? .user : .trusted }

    private init(prefix: String) { self.prefix = prefix }

    /// Nil where there are no notes.
    var kind: LayerMarks? {
        switch self {
        case .trusted: .trusted
        case .user: .user
        default: nil
        }
    }

    var whiteout: String { prefix + "whiteout" }
    var opaque: String { prefix + "opaque" }
    var redirect: String { prefix + "redirect" }
    var metacopy: String { prefix + "metacopy" }
    var origin: String { prefix + "origin" }

    /// Whether an attribute is one of the kernel's notes, or says which they are, and is not one of
    /// the file.
    ///
    /// Attributes that a container has written below this prefix, for an overlay of its own, the
    /// kernel has put one level deeper: that is not looked at either.
    func contains(_ attribute: String) -> Bool {
        !prefix.isEmpty && attribute.hasPrefix(prefix)
            || attribute == LayerMarks.attribute || attribute == LayerRoot.attribute
    }

    /// One of them on a file, where there is.
    func value(
        _ mark: String, of name: FileName, in directory: FileDescriptor
    ) throws(Errno) -> [UInt8]? {
        prefix.isEmpty ? nil : try directory.attribute(mark, of: name)
    }

    /// Whether a file with this status hides what is below it.
    func isWhiteout(
        _ status: FileStatus, _ name: FileName, in directory: FileDescriptor
    ) throws(Errno) -> Bool {
        switch status.kind {
        case _ where prefix.isEmpty: false
        case .characterDevice: status.deviceNumber == DeviceNumber(major: 0, minor: 0)
        case .regular where status.size == 0:
            try value(whiteout, of: name, in: directory) != nil
        default: false
        }
    }

    /// Whether what the layers below hold of an open directory is hidden.
    func isOpaque(_ directory: FileDescriptor) throws(Errno) -> Bool {
        try value(opaque, of: .itself, in: directory) == [UInt8(ascii: "y")]
    }
}
