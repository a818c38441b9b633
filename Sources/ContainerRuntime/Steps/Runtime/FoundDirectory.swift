internal import LinuxSystem
internal import SystemPackage

/// A directory of the host that the runtime process has opened and looked at. The process that
/// mounts it opens it anew, since the kernel takes no layer from another mount namespace, and makes
/// sure that it is the same one.
struct FoundDirectory: Sendable {
    /// Without links.
    private let path: String
    private let status: FileStatus

    init(_ directory: FileDescriptor) throws(Errno) {
        path = try HostPath.linkTarget("/proc/self/fd/\(directory.rawValue)")
        status = try FileStatus.of(directory)
    }

    /// By `O_PATH`.
    ///
    /// - Parameter name: As the user has named it.
    func open(named name: String) throws(Failure) -> OwnedDescriptor {
        let found = try attempt("openat2", on: path, try UnfollowedPath.openWithoutLinks(path))
        let now = try attempt("fstat", on: path, try FileStatus.of(found.borrowed))
        if now.isSame(as: status) { return found }
        throw Failure(
            "another directory has taken the place of \(name.inQuotes) during the start; start it"
                + " again")
    }
}
