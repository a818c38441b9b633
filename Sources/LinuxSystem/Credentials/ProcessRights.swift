internal import CLinux
internal import Glibc
public import SystemPackage

/// The credentials and rights of this process as the kernel has them, to be compared with the config.
public struct ProcessRights: Sendable, Hashable {
    /// Real, effective, saved, of the file system.
    public var users: [UInt32]
    public var groups: [UInt32]
    /// In the kernel's order.
    public var supplementaryGroups: [UInt32]

    /// The corresponding C functions are `getresuid`, `getresgid`, `setfsuid`, `setfsgid` and
    /// `getgroups`.
    public static func current() throws(Errno) -> ProcessRights {
        var users = [UInt32](repeating: 0, count: 4)
        var groups = users
        try checkDone(unsafe clinux_get_ids(&users, &groups))
        let count = try check(getgroups(0, nil))
        var more = [UInt32](repeating: 0, count: Int(count))
        if count > 0 { _ = try check(unsafe getgroups(count, &more)) }
        return ProcessRights(users: users, groups: groups, supplementaryGroups: more)
    }
}

extension CurrentProcess {
    /// The corresponding C function is `prctl` with `PR_GET_NO_NEW_PRIVS`.
    public static var hasNoNewPrivileges: Bool {
        get throws(Errno) { try check(clinux_get_no_new_privileges()) == 1 }
    }

    /// The corresponding C function is `prctl` with `PR_GET_DUMPABLE`.
    public static var isDumpable: Bool {
        get throws(Errno) { try check(clinux_get_dumpable()) == 1 }
    }

    /// The corresponding C function is `prctl` with `PR_GET_KEEPCAPS`.
    public static var keepsCapabilities: Bool {
        get throws(Errno) { try check(clinux_get_keep_capabilities()) == 1 }
    }

    /// The corresponding C function is `prlimit`.
    public static func limit(
        _ resource: ResourceLimit
    ) throws(Errno) -> (soft: UInt64, hard: UInt64) {
        var (soft, hard): (UInt64, UInt64) = (0, 0)
        try checkDone(unsafe clinux_get_own_limit(resource.rawValue, &soft, &hard))
        return (soft, hard)
    }
}
