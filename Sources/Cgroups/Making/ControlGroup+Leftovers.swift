internal import LinuxSystem

/// Empty cgroups of runtime processes that were killed. What cannot be removed does no harm: the kernel
/// keeps a cgroup that has processes, and a runtime process that lives has locked its own.
extension ControlGroup {
    /// Removes the cgroups beside this one whose names begin with `prefix` and go on with a digit.
    public func removeLeftovers(_ prefix: String) {
        for (controllers, path) in paths {
            let directory = ControlGroupPath.parent(of: path)
            for name in (try? HostPath.directories(in: directory)) ?? []
            where name.hasPrefix(prefix) && name.dropFirst(prefix.count).first?.isNumber == true {
                let other = "\(directory)/\(name)"
                if other != path {
                    ControlGroup.removeLeftover(other, isVersion2: controllers.isEmpty)
                }
            }
        }
    }

    /// Removes a cgroup that was announced, with its parents. It may never have been made, or never
    /// have been used.
    public func removeLeftovers() {
        for (controllers, path) in paths {
            ControlGroup.removeLeftover(path, isVersion2: controllers.isEmpty)
        }
        for parent in parents.reversed() {
            ControlGroup.removeLeftover(
                parent, isVersion2: version2?.hasPrefix(parent + "/") == true)
        }
    }

    static func removeLeftover(_ path: String, isVersion2: Bool) {
        if let lock = try? ControlGroupLock(path, isVersion2: isVersion2) {
            try? HostPath.removeDirectory(lock.path)
        }
    }
}
