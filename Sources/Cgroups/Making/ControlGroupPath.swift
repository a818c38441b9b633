internal import LinuxSystem

/// Where a container's cgroup lies in each hierarchy, by the rules of the specification and what
/// other runtimes do where it leaves a choice.
enum ControlGroupPath {
    /// - Parameters:
    ///   - path: `linux.cgroupsPath`; nil for a cgroup of that `name`.
    ///   - hierarchy: An absolute path begins at its mount point. Any other lies below the
    ///     runtime's own cgroup, or in version 2 beside it: a cgroup that has processes of its own
    ///     can there give its children no controllers. Beside it too in a hierarchy that has a name
    ///     and no controllers: a manager that ends a unit there kills what is in its cgroup and
    ///     below, and the container is no part of its caller's unit.
    static func inside(
        _ hierarchy: Hierarchies.Hierarchy, isVersion2: Bool, path: String?, name: String
    ) -> String {
        let wanted = path.flatMap { $0.isEmpty ? nil : $0 } ?? name
        if wanted.hasPrefix("/") { return HostPath.cleaned(wanted) }
        let isBeside = isVersion2 || hierarchy.isNamed
        let base = isBeside ? parent(of: hierarchy.own) : hierarchy.own
        return HostPath.cleaned(base + HostPath.cleaned("/" + wanted))
    }

    static func parent(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let last = bytes.lastIndex(of: UInt8(ascii: "/")), last > 0 else { return "/" }
        return String(decoding: bytes[..<last], as: UTF8.self)
    }

    /// Every directory on the way from a mount point to the cgroup itself, the mount point first.
    static func way(from mountPoint: String, to inner: String) -> [String] {
        var found: [String] = []
        var path = inner
        while path != "/" && !path.isEmpty {
            found.append(mountPoint + path)
            path = parent(of: path)
        }
        return [mountPoint] + found.reversed()
    }
}
