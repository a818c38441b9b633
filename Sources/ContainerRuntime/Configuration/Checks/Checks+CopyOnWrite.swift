internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of `vfs.copyOnWrite` and `vfs.files`.
extension Checks {
    func copyOnWrite() {
        let trees = spec.vfs?.copyOnWrite ?? []
        for (index, tree) in trees.enumerated() {
            check(tree)
            let destination = request.destination(tree)
            if trees[..<index].contains(where: { request.destination($0) == destination }) {
                diagnostics.error(
                    "is mounted on \(destination.inQuotes), as another tree is; remove one",
                    at: tree.path.offset)
            }
            let upper = tree.upper.map { request.path($0).value }
            if let upper, trees[..<index].contains(where: { sameUpper($0, upper) }) {
                diagnostics.error(
                    "is the upper of another tree, too; name a directory for each",
                    at: tree.upper?.offset ?? tree.offset)
            }
        }
        guard let first = trees.first else { return }
        if request.joinsMounts {
            diagnostics.error(
                "a joined mount namespace gets no copy-on-write tree; remove it", at: first.offset)
        }
        if let propagation = spec.linux?.rootfsPropagation,
            Configuration.Propagation(propagation.value).kind == .shared
        {
            diagnostics.error(
                "a copy-on-write tree would be mounted on the host, too; remove \"shared\"",
                at: propagation.offset)
        }
    }

    private func sameUpper(_ tree: Spec.VFS.Tree, _ upper: String) -> Bool {
        tree.upper.map { request.path($0).value } == upper
    }

    private func check(_ tree: Spec.VFS.Tree) {
        if tree.path.value.isEmpty {
            return diagnostics.error("is empty; name a directory", at: tree.path.offset)
        }
        let destination = request.destination(tree)
        if tree.destination?.value.isEmpty == true {
            diagnostics.error(
                "is empty; name a directory of the container, or remove it for the path on the host",
                at: tree.destination?.offset ?? tree.offset)
        } else if destination == "/" {
            diagnostics.error(
                "the root is no copy-on-write tree; use root.path and vfs.overlay",
                at: tree.path.offset)
        } else if destination == "/proc" || destination.lies(below: "/proc") {
            diagnostics.error(
                "nothing but procfs may be mounted on /proc or below it", at: tree.path.offset)
        }
        if tree.upper?.value.isEmpty == true {
            diagnostics.error(
                "is empty; name a directory, or remove it for an upper that is discarded",
                at: tree.upper?.offset ?? tree.offset)
        }
    }

    /// An overlay does not show the mounts below its layer: their directories would be empty.
    func mountsBelowTrees() {
        guard let trees = spec.vfs?.copyOnWrite, let found = host.mountTable else { return }
        let table: MountTable
        switch found {
        case .success(let read): table = read
        case .failure(let failure):
            return diagnostics.error(failure.message, at: trees.first?.offset ?? 0)
        }
        let covered = trees.map { PathText.cleaned(request.path($0.path).value) }
        let destinations = request.mounts.map { PathText.cleaned($0.mount.destination) }
        for (tree, path) in zip(trees, covered) {
            for mount in table.below(path) where !covered.contains(mount.point) {
                let inside = PathText.cleaned(
                    request.destination(tree) + mount.point.dropFirst(path == "/" ? 0 : path.count))
                let isCovered = destinations.contains {
                    $0 == inside || inside.lies(below: $0)
                }
                // One below a tree of its own is that tree's business.
                let isInner = covered.contains {
                    $0 != path && $0.lies(below: path) && mount.point.lies(below: $0)
                }
                if isCovered || isInner { continue }
                diagnostics.error(
                    "the mount \(mount.point.inQuotes) lies in this tree and would be empty in the"
                        + " container; add it to vfs.copyOnWrite, or mount a tmpfs on"
                        + " \(inside.inQuotes)", at: tree.path.offset)
            }
        }
    }

    /// The same of the host's root as a layer. The runtime has mounts of its own for some of these.
    func mountsBelowRoot() {
        guard request.showsHostRoot, case .success(let table) = host.mountTable else { return }
        let shown =
            request.mounts.map { PathText.cleaned($0.mount.destination) }
            + (spec.vfs?.copyOnWrite ?? []).map(request.destination)
        let kernels = table.entries.filter(\.isVirtual).map(\.point)
        let names = table.entries.map(\.point).filter { point in
            point != "/" && !shown.contains { $0 == point || point.lies(below: $0) }
                && !kernels.contains { $0 == point || point.lies(below: $0) }
        }.map(\.inQuotes)
        if names.isEmpty { return }
        let more = names.count > 5 ? " and \(names.count - 5) more" : ""
        diagnostics.warning(
            "an overlay does not show the mounts below its layer: \(names.prefix(5).joined(separator: ", "))"
                + "\(more) will be empty; add the paths to vfs.copyOnWrite",
            at: spec.root?.path?.offset ?? diagnostics.document.root.offset)
    }

    private func check(names file: Spec.VFS.File) {
        guard let names = file.names else { return }
        if file.source == nil {
            diagnostics.error(
                "has \"names\" without \"source\"; name the directory that the files lie in",
                at: file.offset)
        }
        if let mode = file.mode {
            diagnostics.error(
                "copied files have the modes of their sources; remove it", at: mode.offset)
        }
        for name in names where FileName(name.value) == nil {
            diagnostics.error(
                "\(name.value.inQuotes) is not the name of a file; write it without a directory",
                at: name.offset)
        }
    }

    func files() {
        for file in spec.vfs?.files ?? [] {
            if !file.path.value.hasPrefix("/") || PathText.cleaned(file.path.value) == "/" {
                diagnostics.error(
                    "\(file.path.value.inQuotes) is not the absolute path of a file",
                    at: file.path.offset)
            }
            let kinds = [
                file.content != nil, file.source != nil, file.target != nil,
                file.directory?.value == true,
            ]
            if kinds.count(where: { $0 }) != 1 {
                diagnostics.error(
                    "needs one of \"content\", \"source\", \"target\" and \"directory\": true",
                    at: file.offset)
            }
            check(names: file)
            if file.target?.value.isEmpty == true {
                diagnostics.error("is empty; name the target of the link", at: file.offset)
            }
            guard let mode = file.mode else { continue }
            if UInt32(mode.value, radix: 8).map({ $0 <= 0o1777 }) != true {
                diagnostics.error(
                    "\(mode.value.inQuotes) are no permission bits in octal digits; write \"0644\"",
                    at: mode.offset)
            } else if file.target != nil {
                diagnostics.error("a symbolic link has no mode; remove it", at: mode.offset)
            }
        }
    }
}
