internal import CLinux
internal import Glibc
public import SystemPackage

/// Calls that find out what a kernel can do and change nothing.
public enum KernelProbe {
    /// Whether there is `statmount`. The corresponding C function is `statmount`.
    public static func tryMountStatus() throws(Errno) {
        do {
            try checkDone(clinux_try_statmount())
        } catch .badAddress {
        }
    }

    /// Whether tmpfs keeps `user.*` attributes (Linux 6.6): asked of a file in memory, which lies on
    /// one. True where it cannot be told. The corresponding C function is `fsetxattr`.
    public static var tmpfsTakesUserAttributes: Bool {
        do throws(Errno) {
            let file = try TemporaryFile.create("probe")
            try file.borrowed.setAttribute("user.overlay.probe", "y")
            return true
        } catch {
            return error != .notSupported
        }
    }

    /// The version of Landlock's interface. The corresponding C function is
    /// `landlock_create_ruleset` with `LANDLOCK_CREATE_RULESET_VERSION`.
    public static func landlockVersion() throws(Errno) -> Int {
        Int(try check(clinux_landlock_version()))
    }

    /// The names of calls that a seccomp filter keeps from the kernel, out of those that say so
    /// to every caller.
    public static var deniedCalls: [String] {
        var denied: [String] = []
        var index: CInt = 0
        var error: CInt = 0
        while let name = unsafe clinux_try_harmless(index, &error) {
            if error == EPERM || error == ENOSYS { unsafe denied.append(String(cString: name)) }
            index += 1
        }
        return denied
    }

    /// A limit that this process was started with; `UInt64.max` is no limit. The corresponding C
    /// function is `prlimit`.
    public static func limit(
        _ resource: ResourceLimit
    ) throws(Errno) -> (soft: UInt64, hard: UInt64) {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        try checkDone(unsafe clinux_get_limit(resource.rawValue, 1, &soft, &hard))
        return (soft, hard)
    }
}

extension FileDescriptor {
    /// Renames a file in this directory and leaves a whiteout in its place. The corresponding C
    /// function is `renameat2` with `RENAME_WHITEOUT`.
    public func renameLeavingWhiteout(_ name: String, to other: String) throws(Errno) {
        try checkDone(unsafe clinux_rename_whiteout(rawValue, name, other))
    }

    /// Whether it has an extended attribute. The corresponding C function is `fgetxattr`.
    public func hasAttribute(_ name: String) -> Bool {
        unsafe clinux_has_attribute(rawValue, name) != 0
    }

    /// Whether listing this directory tells what kind of file an entry is (readdir(3), `d_type`).
    public func listingTellsKind(of name: String) throws(Errno) -> Bool {
        try check(unsafe clinux_entry_type(rawValue, name)) != 0
    }
}
