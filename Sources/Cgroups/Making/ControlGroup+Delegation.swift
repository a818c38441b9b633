public import LinuxSystem
internal import SystemPackage

extension ControlGroup {
    /// Delegates the cgroup of version 2 to a user: the user may make cgroups in it and move processes
    /// between them: the directory and the files that the kernel names for that, nothing with a
    /// limit in it.
    ///
    /// - Parameter user: Of the host.
    public func give(to user: UInt32) throws(Failure) {
        guard let path = version2, let directory = version2Descriptor else { return }
        for name in ["."] + ControlGroup.delegatedFiles {
            do throws(Errno) {
                try directory.changeOwner(name, user: user, group: .max)
            } catch .noSuchFileOrDirectory {
                // Not every cgroup has every one.
            } catch {
                throw Failure("fchownat", "\"\(path)/\(name)\"", error)
            }
        }
    }

    /// Names of files, never paths, whatever the file says.
    private static var delegatedFiles: [String] {
        guard let bytes = try? HostPath.read("/sys/kernel/cgroup/delegate") else {
            return ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.contains("/") }
    }
}
