internal import LinuxSystem
internal import SystemPackage

/// The places of mounts, in a root that may be a new one.
struct MakeMountPoints: ContainerStep {
    static let manual = StepManual(
        "make mount points",
        what: """
            Makes the directories and files that the container's mounts lie on, in the root and in \
            the sources of bind mounts, where they are missing.
            """,
        why: """
            criu makes none. Those in file systems that lie in memory are in the images.
            """,
        calls: "openat2, mkdirat, fstatfs")

    /// In the config's order.
    let mounts: [Configuration.Mount]

    let summary = "make the mount points that are missing"
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(Failure) {
        var staged: [(path: String, source: BindSource?)] = []
        var position = 0
        for mount in mounts {
            let path = PathText.cleaned(mount.destination)
            let around = staged.filter { path.lies(below: $0.path) }
                .max { $0.path.utf8.count < $1.path.utf8.count }
            var source: BindSource?
            if mount.hasSource, context.stagedSources.indices.contains(position) {
                source = context.stagedSources[position]
                position += 1
            }
            if mount.kind == .remount { continue }
            staged.append((path, source))
            guard let around else {
                let root = try context.root.given(.root)
                try make(path, source?.isDirectory ?? true, root)
                continue
            }
            // In a file system of its own criu has made it.
            guard let outer = around.source, outer.isDirectory else { continue }
            let rest = String(Substring(path.utf8.dropFirst(around.path.utf8.count)))
            let tree = try attempt(
                "fcntl", try OwnedDescriptor.duplicate(outer.tree.borrowed))
            try make(rest, source?.isDirectory ?? true, HeldRoot(RootDirectory(tree)))
        }
    }

    private func make(_ path: String, _ isDirectory: Bool, _ root: HeldRoot) throws(Failure) {
        do throws(Errno) {
            _ =
                isDirectory
                ? try root.directory.makeDirectories(path, links: .followInside)
                : try root.directory.makeFile(path, links: .followInside)
        } catch .readOnlyFileSystem {
            // criu says what it misses.
        } catch {
            throw Failure("openat2", path.inQuotes, error)
        }
    }
}
