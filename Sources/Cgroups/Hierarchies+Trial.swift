internal import LinuxSystem
public import SystemPackage

extension Hierarchies {
    /// Whether some hierarchy of version 1 has `controller`.
    public func hasVersion1(_ controller: String) -> Bool { version1(with: controller) != nil }

    /// Makes a cgroup in each hierarchy where a container's without a path would be, and removes
    /// it again.
    public func tryMaking(_ name: String) -> [(path: String, errno: Errno?)] {
        let limiting = version1.filter { !$0.controllers.allSatisfy { $0.hasPrefix("name=") } }
        let all = limiting.map { ($0, false) } + (version2.map { [($0, true)] } ?? [])
        return all.map { hierarchy, isVersion2 in
            let inner = ControlGroupPath.inside(
                hierarchy, isVersion2: isVersion2, path: nil, name: name)
            let path = hierarchy.path(inner)
            do throws(Errno) {
                try HostPath.makeDirectory(path, mode: 0o755)
                try HostPath.removeDirectory(path)
                return (path, nil)
            } catch {
                return (path, error)
            }
        }
    }
}
