internal import LinuxSystem
internal import SystemPackage

/// Where the source of a bind mount lies on the host.
struct HostBindSource {
    let path: String
    let isRecursive: Bool
    /// Among the sources of all bind mounts, counted from 0.
    let position: Int

    var summary: String { "open \(path) for binding" }

    func shell(_ commands: inout ShellCommands) {
        let (place, from) = (HostBindSource.place(position), ShellWord.value(path))
        commands.run("if [ -d", from, "]; then directory", place, "; else file", place, "; fi")
        commands.run("mount", isRecursive ? "--rbind" : "--bind", "--", from, place)
    }

    /// Of the clone, in a script.
    static func place(_ position: Int) -> ShellWord { .inWork("source-\(position)") }

    /// Clones the mount behind it; the clone is attached nowhere.
    ///
    /// - Parameter found: The file, where it was looked up before.
    func open(
        _ found: HeldDescriptor? = nil, propagation: MountPropagation? = nil
    ) throws(Failure) -> BindSource {
        let file: HeldDescriptor
        if let found {
            file = found
        } else {
            file = try attempt(
                "open", on: path,
                advice: {
                    $0 == .noSuchFileOrDirectory ? "the source of a bind mount must exist" : nil
                }, HeldDescriptor(try HostPath.open(path, .path)))
        }
        let tree = try attempt(
            "open_tree", on: path,
            advice: {
                $0 == .invalidArgument && !isRecursive
                    ? "mounts below it would be laid bare, which a user namespace may not; use"
                        + " \"rbind\"" : nil
            }, try DetachedMount.clone(file.borrowed, recursive: isRecursive))
        if let propagation {
            try attempt(
                "mount_setattr", on: path, try tree.setPropagation(propagation, recursive: true))
        }
        let status = try attempt("fstat", on: path, try FileStatus.of(file.borrowed))
        return BindSource(tree, isDirectory: status.kind == .directory)
    }
}
