internal import LinuxSystem
internal import SystemPackage

/// The directory of the host that the container's root is mounted on, in the container's mount
/// namespace only.
enum Mountpoint {
    static func open(_ path: String) throws(Failure) -> OwnedDescriptor {
        do {
            return try HostPath.open(path, [.path, .directory])
        } catch .noSuchFileOrDirectory {
            throw Failure("the root file system \"\(path)\" does not exist")
        } catch .notDirectory {
            throw Failure("the root file system \"\(path)\" is not a directory")
        } catch {
            throw Failure("open", path.inQuotes, error)
        }
    }
}
