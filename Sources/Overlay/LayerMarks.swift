internal import LinuxSystem
public import SystemPackage

/// Whose overlays see what a layer hides by attributes.
///
/// An overlay reads its notes in `trusted.overlay.*`, and with the option `userxattr` in
/// `user.overlay.*`, and takes no notice of the others: what the layer hides would be there again.
/// So whatever writes a layer with such notes says on the layer's root which of the two they are.
/// An overlay leaves notes of its own on the root of its upper, which tell the same of an upper that
/// is used as a layer. A layer that says nothing has no notes, or was made by other programs;
/// whiteouts that are devices are seen by both.
public enum LayerMarks: String, Sendable, Hashable {
    case trusted, user

    /// On the root directory of the layer. An ordinary user can read it too.
    public static let attribute = "user.vfs-run.marks"

    /// The record of the layer, or the kernel's notes on it from when the layer was an upper; nil
    /// where neither is there. An ordinary user does not see `trusted` notes of the kernel.
    ///
    /// - Parameter layer: Its root, which may be open by `O_PATH`.
    public init?(recordedOn layer: FileDescriptor) throws(Errno) {
        let names = try layer.attributeNames(of: .itself)
        if names.isEmpty { return nil }
        if names.contains(LayerMarks.attribute),
            let value = try layer.attribute(LayerMarks.attribute, of: .itself),
            let marks = LayerMarks(rawValue: String(decoding: value, as: UTF8.self))
        {
            self = marks
            return
        }
        let kinds: [LayerMarks] = [.trusted, .user]
        guard
            let kind = kinds.first(where: { kind in
                names.contains { $0.hasPrefix("\(kind.rawValue).overlay.") }
            })
        else { return nil }
        self = kind
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
                ? "the layer \"\(path)\" stores whiteouts in user.overlay attributes, which this overlay"
                    + " ignores: removed files would be visible again; make the layer as root, or add \"userxattr\" to vfs.overlay.options"
                : "the layer \"\(path)\" stores whiteouts in trusted.overlay attributes, which only root's"
                    + " overlays without \"userxattr\" read: removed files would be visible again;"
                    + " make the layer as the user who runs it",
            .invalidArgument)
    }
}
