internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Where what lies in a sandbox: the root, the mounts, the copy-on-write trees and the files that the
/// runtime makes.
struct SandboxLayout {
    let request: SandboxRequest
    let host: SandboxHost
    let user: SandboxUser
    let place: SandboxBuilder.Place?

    private(set) var mounts: [Mount] = []
    private(set) var trees: [Tree] = []
    private(set) var files: [MadeFile] = []
    /// `vfs.overlay`
    private(set) var overlay: JSONOutput = ["layers": []]
    private(set) var rootPath = "/"
    /// The trees of the kept sandbox.
    private(set) var kept: [KeptSandbox.Tree] = []
    var warnings: [String] = []

    init(
        _ request: SandboxRequest, _ host: SandboxHost, _ user: SandboxUser,
        _ place: SandboxBuilder.Place?
    ) {
        (self.request, self.host, self.user, self.place) = (request, host, user, place)
        kept = place?.trees ?? []
    }

    struct Mount {
        var destination: String
        var type: String
        var source: String
        var options: [String]
        /// Of the command line; empty: it is not asked for.
        var words = ""
    }

    struct Tree {
        var path: String
        var destination: String
        var upper: String?
        var words: String
    }

    struct MadeFile {
        var path: String
        var content: [(key: String, value: JSONOutput)]
        var words: String
    }

    /// The directory where the program starts, if none is named.
    var workingDirectory: String { host.workingDirectory }

    mutating func arrange(showsWorkingDirectory: Bool) throws(Failure) {
        if case .box(let mounts) = request.base {
            arrange(mounts)
        } else {
            try arrangeBase()
            arrangeKernel()
        }
        var volumes = request.volumes
        if showsWorkingDirectory {
            let own = host.workingDirectory
            try addTrees(own, at: own, "")
        }
        // Those that lie in others come later.
        volumes.sort { $0.destination.utf8.count < $1.destination.utf8.count }
        for volume in volumes { try requirePlace(of: volume) }
        for volume in volumes { try add(volume) }
        hideStore()
        if let files = request.mostFiles { try limit(files) }
        for file in request.files {
            let source = file.source ?? "/dev/stdin"
            add(file: file.destination, ["source": .string(source)], file.words)
        }
    }

    // MARK: The base

    private mutating func arrangeBase() throws(Failure) {
        let isSplit = request.base == .system || request.base == .everything && host.isRestricted
        if isSplit, let layer = request.layers.first {
            throw Failure(
                "--layer \(layer.inQuotes): a layer lies on one directory tree, and this base is made of"
                    + " several directories of the host; use --base DIR"
                    + (host.isRestricted ? "" : " or --base /"))
        }
        switch request.base {
        case .system:
            arrangeSystem()
            arrangeHome()
        case .everything: try arrangeEverything()
        case .layers(let layers, _): arrangeLayers(layers + request.layers, layers)
        case .box: break
        }
    }

    private mutating func arrangeSystem() {
        var base = SystemBase()
        for volume in request.volumes { base.leave(volume.destination) }
        for (path, target) in base.links { add(file: path, ["target": .string(target)]) }
        for path in base.bound {
            // Without the sandbox's ids: a file that only root may read stays root's.
            mounts.append(
                Mount(
                    destination: path, type: "bind", source: path,
                    options: ["rbind", "rro", "rnosuid", "rnodev"]))
        }
        for (directory, names) in base.copied {
            add(file: directory, ["source": .string(directory), "names": .strings(names)])
        }
        add(file: "/tmp", ["directory": true, "mode": "1777"])
        add(file: "/var/tmp", ["target": "../tmp"])
        add(file: "/etc/mtab", ["target": "../proc/self/mounts"])
        let name = request.hostname ?? "sandbox"
        add(
            file: "/etc/hosts",
            ["content": .string("127.0.0.1 localhost \(name)\n::1 localhost \(name)\n")])
        add(file: "/etc/hostname", ["content": .string("\(name)\n")])
        add(file: "/etc/passwd", ["content": .string(user.passwd(host))])
        add(file: "/etc/group", ["content": .string(user.group(host))])
        // What the caller mounts there is the caller's, and may be written through to the host.
        for volume in request.volumes {
            files.removeAll {
                $0.path == volume.destination || $0.path.lies(below: volume.destination)
            }
        }
    }

    /// An empty home directory, where none of the host's is shown.
    private mutating func arrangeHome() {
        let home = user.home(host, [])
        let own = host.workingDirectory
        if home == "/" || home == own || home.lies(below: own) { return }
        add(file: home, ["directory": true, "mode": "0700"])
    }

    /// What the sandbox has of its own, also where it shows the whole system.
    private static let own: Set<String> = ["/proc", "/dev", "/sys", "/tmp"]

    private mutating func arrangeEverything() throws(Failure) {
        if host.isRestricted {
            var finder = TreeFinder(host, mapsIDs: user.isShifted)
            finder.excluded = SandboxLayout.own
            try finder.add("/", at: "/")
            take(finder)
            add(file: "/tmp", ["directory": true, "mode": "1777"])
            return
        }
        rootPath = "/"
        arrangeLayers(["/"] + request.layers, ["/"])
        var finder = TreeFinder(host, mapsIDs: user.isShifted)
        finder.excluded = SandboxLayout.own
        try finder.add("/", at: "/")
        finder.dropRoot()
        take(finder)
        mounts.append(
            Mount(
                destination: "/tmp", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "nodev", "mode=1777"] + sizes))
    }

    /// The options of a tmpfs that the command line gives no size: without them it has half of the
    /// memory.
    private var sizes: [String] {
        ["size=\(request.size)"] + (request.mostFiles.map { ["nr_inodes=\($0)"] } ?? [])
    }

    /// - Parameter own: Of the base alone.
    private mutating func arrangeLayers(_ layers: [String], _ own: [String]) {
        var members: [(key: String, value: JSONOutput)] = [("layers", .strings(layers))]
        rootPath = own.last ?? "/"
        if place != nil, let path = own.last {
            members.append(("upper", .string(keep(path, at: "/"))))
        }
        overlay = .object(members)
    }

    /// The files that the tmpfs of what is discarded may have.
    private mutating func limit(_ files: UInt64) throws(Failure) {
        guard case .object(let members) = overlay, place == nil else {
            throw Failure(
                "--disk: the number of files of a kept sandbox cannot be limited; give a size alone"
            )
        }
        overlay = .object(members + [("inodes", .unsigned(files))])
    }

    // MARK: What the kernel shows

    private mutating func arrangeKernel() {
        mounts.append(
            Mount(
                destination: "/proc", type: "proc", source: "proc",
                options: ["nosuid", "noexec", "nodev"]))
        arrangeDevices()
        mounts.append(
            Mount(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=64m", "nr_inodes=16k"]))
    }

    private mutating func arrangeDevices() {
        mounts.append(
            Mount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "noexec", "mode=755", "size=64k", "nr_inodes=1k"]))
        mounts.append(
            Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]))
    }

    /// Whether the program may not write to the root itself.
    var isRootReadOnly: Bool {
        if case .box = request.base { true } else { false }
    }

    /// The mounts of a box, in the order of its rules.
    private mutating func arrange(_ box: [BoxMount]) {
        for mount in box {
            if let entry = mount.entry(mapsIDs: { user.isShifted && host.mapsIDs($0) }) {
                mounts.append(entry)
            } else {
                arrangeDevices()
            }
        }
    }

    // MARK: The caller's directories

    private mutating func add(_ volume: Volume) throws(Failure) {
        switch volume.kind {
        case .tmpfs:
            mounts.append(
                Mount(
                    destination: volume.destination, type: "tmpfs", source: "tmpfs",
                    options: volume.options + (volume.hasSize ? [] : sizes), words: volume.words))
        case .copyOnWrite(let source):
            let (path, isDirectory) = try resolve(source, volume)
            if path == "/" {
                throw Failure("\(volume.words): the whole host is shown by --base /")
            }
            if !isDirectory {
                throw Failure(
                    "\(volume.words): \(path.inQuotes) is not a directory, and only a directory can be"
                        + " shown copy-on-write; use --file for a copy of a file")
            }
            try addTrees(path, at: volume.destination, volume.words)
        case .bind(let source, let isReadOnly):
            let (path, _) = try resolve(source, volume)
            var options = ["rbind"] + volume.options
            if isReadOnly { options.append("rro") }
            if user.isShifted, let mapping = host.mapping(path) { options.append(mapping) }
            mounts.append(
                Mount(
                    destination: volume.destination, type: "bind", source: path, options: options,
                    words: volume.words))
        }
    }

    /// A place for a mount cannot be made in what is read-only.
    private func requirePlace(of volume: Volume) throws(Failure) {
        guard request.base == .system else { return }
        let place = volume.destination
        guard
            let holder = mounts.first(where: {
                place.lies(below: $0.destination) && $0.words.isEmpty
            }),
            holder.type == "bind", (try? FileStatus.of(path: place)) == nil
        else { return }
        throw Failure(
            "\(volume.words): \(holder.destination) is read-only, and \(place.inQuotes) is not in it;"
                + " choose another destination")
    }

    /// Without links: the caller has named it.
    private func resolve(
        _ source: String, _ volume: Volume
    ) throws(Failure) -> (path: String, isDirectory: Bool) {
        do throws(Errno) {
            let path = try HostPath.real(source)
            return (path, try FileStatus.of(path: path).kind == .directory)
        } catch .noSuchFileOrDirectory {
            throw Failure(
                "\(volume.words): the source \(source.inQuotes) does not exist; make it, or name"
                    + " another one (volumes with a name are not supported)")
        } catch {
            throw Failure("open", source.inQuotes, error).within(volume.words)
        }
    }

    private mutating func addTrees(
        _ path: String, at destination: String, _ words: String
    ) throws(Failure) {
        var finder = TreeFinder(host, mapsIDs: user.isShifted)
        try finder.add(path, at: destination)
        take(finder, words)
    }

    private mutating func take(_ finder: TreeFinder, _ words: String = "") {
        if !finder.left.isEmpty {
            warnings.append(
                "the sandbox does not show \(finder.left.prefix(5).map(\.inQuotes).joined(separator: ", "))"
                    + (finder.left.count > 5 ? " and \(finder.left.count - 5) more" : "")
                    + ", which cannot be shown copy-on-write")
        }
        for place in finder.places {
            if let target = place.target {
                add(file: place.path, ["target": .string(target)])
            } else {
                let mode = String(place.mode ?? 0o755, radix: 8)
                add(file: place.path, ["directory": true, "mode": .string(mode)])
            }
        }
        for tree in finder.trees {
            trees.append(
                Tree(
                    path: tree.path, destination: tree.destination,
                    upper: place == nil ? nil : keep(tree.path, at: tree.destination),
                    words: words))
        }
    }

    /// What is kept may lie in a directory that is shown: the kernel has no defined answer for what
    /// reaches an upper through the overlay that writes to it.
    private mutating func hideStore() {
        guard let place else { return }
        let store = HostPath.split(place.directory).parent
        let folder = HostPath.cleaned(store)
        var shown = trees.map { ($0.path, $0.destination) }
        if case .object(let members) = overlay, members.contains(where: { $0.key == "upper" }) {
            shown.append((rootPath, "/"))
        }
        for (path, destination) in shown where folder.lies(below: path) {
            let inside = HostPath.cleaned(
                "\(destination)/\(folder.dropFirst(path == "/" ? 0 : path.count))")
            mounts.append(
                Mount(
                    destination: inside, type: "tmpfs", source: "tmpfs",
                    options: ["ro", "nosuid", "nodev", "noexec", "mode=0", "size=4k"]))
        }
    }

    /// The directory of the upper that keeps what is written to a tree.
    private mutating func keep(_ path: String, at destination: String) -> String {
        let directory = place?.directory ?? ""
        let inside = path == destination ? nil : destination
        if let known = kept.first(where: { $0.path == path && $0.destination == inside }) {
            return "\(directory)/\(known.directory)"
        }
        var number = kept.count
        while kept.contains(where: { $0.directory == "tree-\(number)" }) { number += 1 }
        kept.append(
            KeptSandbox.Tree(
                path: path, destination: inside, directory: "tree-\(number)",
                begun: FileTime(seconds: 0, nanoseconds: 0)))
        return "\(directory)/tree-\(number)"
    }

    private mutating func add(file path: String, _ content: JSONOutput, _ words: String = "") {
        guard case .object(let members) = content else { return }
        // A later one counts.
        files.removeAll { $0.path == path && $0.isFile }
        files.append(MadeFile(path: path, content: members, words: words))
    }
}

extension SandboxLayout.Mount {
    var output: JSONOutput {
        .sourced(
            words,
            [
                "destination": .string(destination), "type": .string(type),
                "source": .string(source), "options": .strings(options),
            ])
    }
}

extension SandboxLayout.Tree {
    var output: JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [("path", .string(path))]
        if destination != path { members.append(("destination", .string(destination))) }
        if let upper { members.append(("upper", .string(upper))) }
        return .sourced(words, .object(members))
    }
}

extension SandboxLayout.MadeFile {
    /// Whether it is one file, and not several in a directory.
    var isFile: Bool { !content.contains { $0.key == "names" } }

    var output: JSONOutput { .sourced(words, .object([("path", .string(path))] + content)) }
}
