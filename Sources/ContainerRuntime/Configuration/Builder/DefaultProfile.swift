internal import CResources

/// The seccomp profile that is part of the program: config/seccomp.json.
public enum DefaultProfile {
    public static var bytes: [UInt8] {
        let buffer = unsafe UnsafeBufferPointer(
            start: cresources_default_seccomp(), count: cresources_default_seccomp_size())
        return unsafe Array(buffer)
    }
}
