public import LinuxSystem
public import SystemPackage

/// A directory of an overlay: the name for messages, the descriptor for the kernel.
public final class OverlayDirectory: Sendable {
    public let path: String
    private let descriptor: OwnedDescriptor

    public init(path: String, descriptor: consuming OwnedDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens a path of the host.
    ///
    /// It has to be opened in the mount namespace that mounts the overlay: the kernel takes no
    /// layer from another one.
    public convenience init(opening path: String, as role: String) throws(OverlayError) {
        do throws(UnfollowedPath.Failure) {
            self.init(path: path, descriptor: try UnfollowedPath.open(path))
        } catch {
            throw OverlayError.opening(role, path, error)
        }
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }
}
