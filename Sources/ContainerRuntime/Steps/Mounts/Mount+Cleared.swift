internal import LinuxSystem
internal import SystemPackage

extension Configuration.Mount {
    /// The attributes of a bind mount's source that the mount has not: once an option names one, those
    /// that no option names are cleared, as with runc.
    ///
    /// - Parameter isRestricted: In a user namespace they are locked: what no option names stays.
    func cleared(
        of tree: borrowing DetachedMount, _ source: String, _ isRestricted: Bool
    ) throws(Failure) -> MountAttributes {
        if set.isEmpty && clear.isEmpty { return clear }
        let found = try attempt("fstatvfs", on: source, try MountAttributes(of: tree.borrowed))
        if !isRestricted { return clear.union(found.subtracting(set)) }
        let named = found.intersection(clear)
        if named.isEmpty { return clear }
        func unlock() throws(Errno) -> MountAttributes {
            do throws(Errno) {
                try tree.setAttributes(set: [], clear: named)
            } catch .notPermitted {
                return named
            }
            // What the file system itself has stays.
            return named.subtracting(try MountAttributes(of: tree.borrowed))
        }
        let locked = try attempt("mount_setattr", on: source, try unlock())
        if locked.isEmpty { return clear }
        throw Failure(
            "the mount of \(source.inQuotes) is \(locked.optionWords.joined(separator: ", ")), which is"
                + " locked in a user namespace: operation not permitted; leave the option out that"
                + " clears it")
    }
}
