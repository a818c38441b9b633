/// Where a container's cgroup lies in each hierarchy, by the rules of the specification and what
/// other runtimes do where it leaves a choice.
enum ControlGroupPath {
    /// - Parameters:
    ///   - path: `linux.cgroupsPath`; nil for a cgroup of that `name`.
    ///   - hierarchy: An absolute path begins at its mount point. Any other lies below the
    ///     runtime's own cgroup, or in version 2 beside it: a cgroup that has processes of its own
    ///     can there give its children no controllers.
    static func inside(
        _ hierarchy: Hierarchies.Hierarchy, isVersion2: Bool, path: String?, name: String
    ) -> String {
        let wanted = path.flatMap { $0.isEmpty ? nil : $0 } ?? name
        if wanted.hasPrefix("/") { return cleaned(wanted) }
        let base = isVersion2 ? parent(of: hierarchy.own) : hierarchy.own
        return cleaned(base + cleaned("/" + wanted))
    }

    /// Without `.`, `..` and doubled slashes; never above the root.
    static func cleaned(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
