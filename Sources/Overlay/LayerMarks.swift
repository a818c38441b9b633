internal import LinuxSystem
public import SystemPackage

/// Whose overlays see what a layer hides by attributes.
///
/// An overlay reads its notes in `trusted.overlay.*`, and with the option `userxattr` in
/// `user.overlay.*`, and takes no notice of the others: what the layer hides would be there again.
/// So whatever writes a layer with such notes says on the layer's root which of the two they are.
/// A layer that says nothing has none, or was made by other programs; whiteouts that are devices
/// are seen by both.
public enum LayerMarks: String, Sendable, Hashable {
    case trusted, user

    /// On the root directory of the layer. An ordinary user can read it too.
    public static let attribute = "user.vfs-run.marks"

    /// What the layer says; nil where it says nothing.
    ///
    /// - Parameter layer: Its root, which may be open as a mere handle.
    public init?(recordedOn layer: FileDescriptor) throws(Errno) {
        guard let value = try layer.attribute(LayerMarks.attribute, of: .itself),
            let marks = LayerMarks(rawValue: String(decoding: value, as: UTF8.self))
        else { return nil }
        self = marks
    }

    /// Refuses a layer whose notes the overlay would not see.
    ///
    /// - Parameters:
    ///   - overlay: Those that the overlay reads.
    ///   - path: Of the layer, for the message.
    public func require(_ overlay: LayerMarks, _ path: String) throws(OverlayError) {
        if self == overlay { return }
        throw OverlayError(
            self == .user
                ? "the layer \"\(path)\" notes what it hides in user.overlay attributes, which this"
                    + " overlay does not read: hidden files would be there again; make the layer as"
                    + " root, or add \"userxattr\" to vfs.overlay.options"
                : "the layer \"\(path)\" notes what it hides in trusted.overlay attributes, which only"
                    + " root's overlays without \"userxattr\" read: hidden files would be there again;"
                    + " make the layer as the user who runs it",
            .invalidArgument)
    }
}
