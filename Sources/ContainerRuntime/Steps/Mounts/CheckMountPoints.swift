internal import LinuxSystem
internal import SystemPackage

/// The mounts that are held are the ones that programs find.
struct CheckMountPoints: ContainerStep {
    static let manual = StepManual(
        "check the mount points",
        what: "Compares the mounts that /proc, /sys and /dev lead to with those that were made.",
        why: """
            After the last mount. In a root without an overlay another process may rename \
            directories, and the mounts move with them; the start then fails.
            """,
        calls: "openat2, statx")

    let summary = "verify the mounts on /proc, /sys and /dev"
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(Failure) {
        for mount in context.heldMounts.mounts {
            var root = try context.root.given(.root)
            var path = mount.path
            if let around = context.heldMounts.around(mount) {
                (root, path) = (around.mount.root, around.rest)
            }
            func leadsThere() throws(Errno) -> Bool {
                let wanted = try mount.root.directory.borrowed.mountID()
                do throws(Errno) {
                    let found = try root.directory.open(path, .path, links: .refuse)
                    return try found.borrowed.mountID() == wanted
                } catch .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels {
                    return false
                }
            }
            if try attempt("statx", on: mount.path, try leadsThere()) { continue }
            throw Failure(
                "\(mount.path.inQuotes) does not lead to what was mounted there: another process has"
                    + " renamed it in the root file system during the start, or a hook has mounted"
                    + " something over it; remove other users' write permission on that directory, or use an"
                    + " overlay")
        }
    }
}
