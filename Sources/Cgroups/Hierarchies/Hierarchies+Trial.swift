internal import LinuxSystem
public import SystemPackage

extension Hierarchies {
    /// Whether some hierarchy of version 1 has `controller`.
    public func hasVersion1(_ controller: String) -> Bool { version1(with: controller) != nil }

    /// The controllers of version 2 that a container's cgroup without a path could have: those that
    /// the cgroup it would lie in has itself. Nil without version 2, or where that cannot be read.
    public var handedOn: [String]? {
        guard let version2 else { return nil }
        let place = version2.path(ControlGroupPath.parent(of: version2.own))
        return GroupFile.read(place, "cgroup.controllers")?.split(separator: " ").map(String.init)
    }

    /// Makes a cgroup in each hierarchy where a container's without a path would be, and removes
    /// it again.
    public func tryMaking(_ name: String) -> [(path: String, errno: Errno?)] {
        let limiting = version1.filter { !$0.isNamed }
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
