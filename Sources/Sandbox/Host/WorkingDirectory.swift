internal import LinuxSystem

/// Which directories a sandbox takes as its working directory.
enum WorkingDirectory {
    /// Trees of the system: what lies in them belongs to the base.
    private static let trees = [
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
        "/sbin", "/sys", "/usr",
    ]
    /// Directories that hold those of others.
    private static let holders = [
        "/home", "/media", "/mnt", "/opt", "/root", "/snap", "/srv", "/tmp", "/var", "/var/lib",
        "/var/tmp",
    ]

    /// - Throws: What the directory is, and what to do.
    static func require(_ path: String, _ host: SandboxHost) throws(Failure) {
        let advice =
            "; change to a directory of the work, or run without it: -w /tmp"
        if path == "/" {
            throw Failure("the working directory is the root of the host\(advice)")
        }
        if path == host.home.map(HostPath.cleaned) || path == host.homeInside {
            throw Failure(
                "the working directory is the home directory \(path.inQuotes), with all keys and"
                    + " passwords in it\(advice)")
        }
        if holders.contains(path) || trees.contains(where: { path == $0 || path.lies(below: $0) }) {
            throw Failure("the working directory \(path.inQuotes) is the system's\(advice)")
        }
    }
}
