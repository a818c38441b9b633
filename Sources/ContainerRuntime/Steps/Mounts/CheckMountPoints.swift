internal import LinuxSystem
internal import SystemPackage

/// The mounts that are held are the ones that programs find.
struct CheckMountPoints: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "check the mount points",
            what: """
                Compares the mounts that /proc, /sys and /dev lead to with those that were made.
                """,
            why: """
                After the last mount. In a root without an overlay another process may rename \
                directories, and the mounts move with them; the start then fails.
                """,
            calls: "openat2, statx")
    }

    let summary = "look whether /proc, /sys and /dev lead to what was mounted there"
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(StepError) {
        for mount in context.heldMounts.mounts {
            var root = try context.root.given(.root)
            var path = mount.path
            if let around = context.heldMounts.around(mount) {
                (root, path) = (around.mount.root, around.rest)
            }
            let isThere = try stepping("statx", mount.path.inQuotes) { () throws(Errno) in
                let wanted = try mount.root.directory.borrowed.mountID()
                do throws(Errno) {
                    let found = try root.directory.open(path, .path, links: .refuse)
                    return try found.borrowed.mountID() == wanted
                } catch .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels {
                    return false
                }
            }
            if isThere { continue }
            throw StepError(
                "\(mount.path.inQuotes) does not lead to what was mounted there: another process has"
                    + " renamed it in the root file system during the start, or a hook has mounted"
                    + " something over it; let nobody else write to that directory, or use an"
                    + " overlay")
        }
    }
}
