public import SystemPackage

extension RootDirectory {
    /// The root of this process: after `setns` that of the mount namespace.
    public static func own() throws(Errno) -> RootDirectory {
        RootDirectory(try HostPath.open("/", [.path, .directory]))
    }

    /// The directory that this process sees on /proc.
    public static func ownProc() throws(Errno) -> RootDirectory {
        RootDirectory(try HostPath.open("/proc", [.path, .directory]))
    }
}
