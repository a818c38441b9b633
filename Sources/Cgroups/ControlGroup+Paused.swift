internal import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Whether it was frozen itself, not by one above. One that is gone is not.
    ///
    /// - Throws: It cannot be looked at.
    public var isPaused: Bool {
        get throws(Errno) {
            guard let (directory, isVersion2) = directory(of: "freezer") else { return false }
            let name = isVersion2 ? "cgroup.freeze" : "freezer.self_freezing"
            do throws(Errno) {
                return try HostPath.readShort(directory + "/" + name).first == 0x31
            } catch .noSuchFileOrDirectory, .operationNotSupportedByDevice {
                return false
            }
        }
    }
}
