internal import LinuxSystem
public import SystemPackage

/// The container's root directory, as a layer says what it is like.
///
/// A layer of an image whose archive has an entry for the root directory says it, and a layer that
/// `commit` has written to a directory. The mode stands in an attribute, since the mode of the
/// layer's own directory may be another one: 0700 keeps the other users of the host out.
public enum LayerRoot {
    /// On the root directory of the layer: the mode in octal digits.
    public static let attribute = "user.vfs-run.root"

    /// The mode that the layer says; nil where it says none.
    ///
    /// - Parameter layer: Its root, which may be open by `O_PATH`.
    public static func mode(recordedOn layer: FileDescriptor) throws(Errno) -> UInt32? {
        guard let value = try layer.attribute(attribute, of: .itself) else { return nil }
        return UInt32(String(decoding: value, as: UTF8.self), radix: 8).flatMap {
            $0 <= 0o7777 ? $0 : nil
        }
    }

    /// Writes the mode down, where the file system has attributes for it.
    public static func record(_ mode: UInt32, on layer: FileDescriptor) throws(Errno) {
        do throws(Errno) {
            try layer.setAttribute(attribute, Array(String(mode, radix: 8).utf8), of: .itself)
        } catch .notSupported {
        }
    }

    /// The layer that the container's root directory is like: the topmost one that says so, or else
    /// the lowest one.
    ///
    /// - Parameter layers: At least one, bottom first.
    /// - Returns: Its position, and the mode where the layer says it.
    public static func model(
        among layers: [FileDescriptor]
    ) throws(Errno) -> (position: Int, mode: UInt32?) {
        for position in layers.indices.reversed() {
            if let mode = try mode(recordedOn: layers[position]) { return (position, mode) }
        }
        return (0, nil)
    }
}
