internal import CLinux
public import SystemPackage

extension Errno {
    /// As C has it: `EPERM`; the number where it has no name. The corresponding C function is
    /// `strerrorname_np`.
    public var name: String {
        guard let found = unsafe clinux_errno_name(rawValue) else { return "\(rawValue)" }
        return unsafe String(cString: found)
    }
}
