internal import SystemPackage

extension DeviceNumber {
    /// The path that the kernel gives the device below `/dev`; nil where sysfs has none.
    public func kernelName(isBlock: Bool) -> String? {
        let path = "/sys/dev/\(isBlock ? "block" : "char")/\(self)/uevent"
        guard let bytes = try? HostPath.readShort(path) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("DEVNAME=") {
            return "/dev/\(line.dropFirst("DEVNAME=".count))"
        }
        return nil
    }
}
