internal import LinuxSystem
internal import SystemPackage

/// Where the source of a bind mount lies on the host.
struct HostBindSource {
    let path: String
    let isRecursive: Bool
    /// Among the sources of all bind mounts, counted from 0.
    let position: Int

    var summary: String { "open \(path) for binding" }

    /// Clones the mount behind it; the clone is attached nowhere.
    func open(propagation: MountPropagation? = nil) throws(StepError) -> BindSource {
        let file = try stepping(
            "open", path.inQuotes,
            advice: {
                $0 == .noSuchFileOrDirectory ? "the source of a bind mount must exist" : nil
            }
        ) { () throws(Errno) in
            try HostPath.open(path, .path)
        }
        return try stepping(
            "open_tree", path.inQuotes,
            advice: {
                $0 == .invalidArgument && !isRecursive
                    ? "mounts below it would be laid bare, which a user namespace may not; use"
                        + " \"rbind\"" : nil
            }
        ) { () throws(Errno) in
            let tree = try DetachedMount.clone(file.borrowed, recursive: isRecursive)
            if let propagation { try tree.setPropagation(propagation, recursive: true) }
            return BindSource(
                tree, isDirectory: try FileStatus.of(file.borrowed).kind == .directory)
        }
    }
}
