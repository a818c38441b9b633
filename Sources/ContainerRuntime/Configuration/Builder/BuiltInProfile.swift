internal import CResources

/// The seccomp profiles that are part of the program, by their names in `vfs.seccomp`.
public enum BuiltInProfile: String, CaseIterable, Sendable {
    /// config/seccomp.json
    case `default`
    /// config/seccomp-strict.json
    case strict

    public var bytes: [UInt8] {
        let buffer =
            switch self {
            case .default:
                unsafe UnsafeBufferPointer(
                    start: cresources_default_seccomp(), count: cresources_default_seccomp_size())
            case .strict:
                unsafe UnsafeBufferPointer(
                    start: cresources_strict_seccomp(), count: cresources_strict_seccomp_size())
            }
        return unsafe Array(buffer)
    }
}
