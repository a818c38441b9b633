internal import SystemPackage

/// Settings and facts that the kernel shows as small files.
public enum KernelSetting {
    /// A file's text without the newline at its end; nil where it is missing or cannot be read.
    public static func text(_ path: String) -> String? {
        guard let bytes = try? HostPath.read(path) else { return nil }
        return String(decoding: bytes.last == 0x0a ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// A number below `/proc/sys` (sysctl(8)): `user/max_user_namespaces`.
    public static func number(_ name: String) -> Int? {
        text("/proc/sys/\(name)").flatMap { Int($0) }
    }

    /// The value behind `name:` in a file of such lines, as `/proc/PID/status` is.
    public static func field(_ name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            let value = line.dropFirst(name.utf8.count + 1)
            return String(value.drop { $0 == " " || $0 == "\t" })
        }
        return nil
    }
}

extension CapabilitySet {
    /// The corresponding C constant is `CAP_SYS_ADMIN`.
    public static let administrator = CapabilitySet(rawValue: 1 << 21)

    /// The effective set that `/proc/PID/status` shows; empty where it shows none.
    public static func effective(in status: String) -> CapabilitySet {
        let digits = KernelSetting.field("CapEff", in: status) ?? ""
        return CapabilitySet(rawValue: UInt64(digits, radix: 16) ?? 0)
    }
}
