internal import CLinux
internal import Glibc
public import SystemPackage

/// Who a process is (credentials(7)). Set groups, then the group, then the user: after the user
/// changed, the right to change the groups is gone.
public enum Credentials {
    /// The corresponding C function is `setgroups`.
    public static func setSupplementaryGroups(_ groups: [UInt32]) throws(Errno) {
        try checkDone(unsafe setgroups(groups.count, groups))
    }

    /// Real, effective and saved. The corresponding C function is `setresgid`.
    public static func setGroup(_ group: UInt32) throws(Errno) {
        try checkDone(clinux_setresgid(group))
    }

    /// Real, effective and saved. The corresponding C function is `setresuid`.
    public static func setUser(_ user: UInt32) throws(Errno) {
        try checkDone(clinux_setresuid(user))
    }

    /// The permitted capabilities survive the next change of user.
    ///
    /// The corresponding C function is `prctl` with `PR_SET_KEEPCAPS`.
    public static func keepCapabilities(_ keep: Bool) throws(Errno) {
        try checkDone(clinux_set_keep_capabilities(keep ? 1 : 0))
    }

    /// - Returns: The mask before. The corresponding C function is `umask`.
    @discardableResult
    public static func setFileModeMask(_ mask: UInt32) -> UInt32 {
        umask(mask)
    }
}

extension Credentials {
    /// The corresponding C function is `geteuid`.
    public static var effectiveUser: UInt32 { geteuid() }

    /// The same, where it decides what is done: nil where the call was answered by an error, which
    /// the C library does not tell of, and no user without rights.
    public static var knownUser: UInt32? {
        let user = geteuid()
        return user == .max ? nil : user
    }

    /// The corresponding C function is `getegid`.
    public static var effectiveGroup: UInt32 { getegid() }
}
