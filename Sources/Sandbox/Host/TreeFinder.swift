internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Finds the overlays that it takes to show a directory of the host copy-on-write.
///
/// An overlay does not show the mounts below its layer, so each gets one of its own. Without root
/// privileges the kernel refuses a layer with mounts below it: there the directories around a mount
/// are made anew, and what lies in them gets the overlays.
struct TreeFinder {
    struct Tree: Sendable, Hashable {
        var path: String
        var destination: String
    }

    let host: SandboxHost
    /// Whether the ids of files are mapped, which not every file system knows.
    let mapsIDs: Bool
    /// Places that are not looked into, absolute: what the sandbox has there is its own.
    var excluded: Set<String> = []
    private(set) var trees: [Tree] = []
    /// Directories and links that are made in the sandbox.
    private(set) var places: [Place] = []
    /// What is not shown.
    private(set) var left: [String] = []

    struct Place: Sendable, Hashable {
        var path: String
        /// Nil: a directory.
        var target: String?
        var mode: UInt32?
    }

    private static let mostTrees = 400

    init(_ host: SandboxHost, mapsIDs: Bool) { (self.host, self.mapsIDs) = (host, mapsIDs) }

    /// Adds a directory.
    ///
    /// - Parameters:
    ///   - path: On the host, absolute, without links.
    ///   - destination: In the sandbox, absolute.
    mutating func add(_ path: String, at destination: String) throws(Failure) {
        let inner = host.mounts.below(path).filter { !isExcluded($0.point) }
        if inner.isEmpty || !host.isRestricted {
            trees.append(Tree(path: path, destination: destination))
            for mount in inner { addMount(mount, below: path, at: destination) }
        } else {
            try split(path, destination)
        }
        if trees.count > TreeFinder.mostTrees {
            throw Failure(
                "\(path.inQuotes) takes more than \(TreeFinder.mostTrees) overlays, because mounts lie"
                    + " deep in it; run vfs-run as root")
        }
    }

    private func isExcluded(_ path: String) -> Bool {
        excluded.contains { path == $0 || path.lies(below: $0) }
    }

    /// Whether the caller may open what lies in a directory.
    private func mayEnter(_ name: String, _ folder: FileDescriptor) -> Bool {
        guard let opened = try? folder.open(name, [.path, .directory]) else { return false }
        return (try? opened.borrowed.open("..", [.path, .directory])) != nil
    }

    private mutating func addMount(
        _ mount: MountTable.Entry, below path: String, at destination: String
    ) {
        let isDirectory = (try? FileStatus.of(path: mount.point).kind) == .directory
        if mount.isVirtual || !isDirectory
            || mapsIDs && !host.mapsIDs(mount)
        {
            left.append(mount.point)
            return
        }
        let rest = mount.point.dropFirst(path == "/" ? 0 : path.count)
        let place = HostPath.cleaned("\(destination)/\(rest)")
        trees.append(Tree(path: mount.point, destination: place))
    }

    /// Shows what lies in a directory with mounts below it.
    private mutating func split(_ path: String, _ destination: String) throws(Failure) {
        var waiting = [(path: path, destination: destination)]
        while let (path, destination) = waiting.popLast() {
            let directory = try attempt(
                "open", on: path, try HostPath.open(path, [.readOnly, .directory]))
            if destination != "/" {
                let status = try attempt("fstat", on: path, try FileStatus.of(directory.borrowed))
                places.append(Place(path: destination, mode: status.permissions & 0o1777))
            }
            let names = try attempt("readdir", on: path, try directory.borrowed.entries())
            for name in names.sorted() {
                let child = path == "/" ? "/\(name)" : "\(path)/\(name)"
                if isExcluded(child) { continue }
                let place = destination == "/" ? "/\(name)" : "\(destination)/\(name)"
                guard let status = try? FileStatus.of(name, in: directory.borrowed) else {
                    left.append(child)
                    continue
                }
                switch status.kind {
                case .symbolicLink:
                    let target = try attempt(
                        "readlink", on: child, try directory.borrowed.linkTarget(name))
                    places.append(Place(path: place, target: target))
                case .directory:
                    let mount = host.mounts.entries.first { $0.point == child }
                    if let mount, mount.isVirtual {
                        left.append(child)
                    } else if !mayEnter(name, directory.borrowed) {
                        // As closed as on the host.
                        places.append(Place(path: place, mode: 0))
                    } else if host.mounts.below(child).contains(where: { !isExcluded($0.point) }) {
                        waiting.append((child, place))
                    } else {
                        trees.append(Tree(path: child, destination: place))
                    }
                default: left.append(child)
                }
                if trees.count > TreeFinder.mostTrees { return }
            }
        }
    }
}

extension TreeFinder {
    /// The root of the host is a layer of the sandbox's own root.
    mutating func dropRoot() { trees.removeAll { $0.path == "/" } }
}
