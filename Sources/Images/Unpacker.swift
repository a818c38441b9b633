internal import Archives
public import JSON
internal import Layers
public import LinuxSystem
internal import SystemPackage

/// Makes a bundle of an image: its layers as directories, and a config.json that runs it.
public struct Unpacker {
    public var platform: Platform?
    /// A directory where layers lie, to share them; nil for one of the bundle's own.
    public var store: String?
    public var limits = Limits()
    /// Whether a layer is on the disk before it gets its name.
    public var synchronizes = true
    /// Is told in a word what happens, for people.
    public var reporter: any Reporter

    public init(reporter: any Reporter) {
        self.reporter = reporter
    }

    /// - Parameters:
    ///   - bundle: A directory that is made, or has no config.json.
    ///   - base: What config.json says where the image does not.
    public func unpack(
        _ reference: ImageReference, to bundle: String, over base: JSONOutput
    ) throws(Failure) {
        let isNew = try attempt(
            "stat", on: bundle, try unlessMissing(try FileStatus.of(path: bundle)) == nil)
        let directory = try openBundle(bundle)
        do throws(Failure) {
            try unpack(reference, to: bundle, directory.borrowed, over: base)
        } catch {
            if isNew { Unpacker.discard(bundle, directory.borrowed) }
            throw error
        }
    }

    /// Takes away what was made for nothing. Layers that are whole stay: the next one need not unpack
    /// them again.
    private static func discard(_ bundle: String, _ directory: FileDescriptor) {
        if let layers = try? directory.open("layers", [.readOnly, .directory]),
            let whole = try? layers.borrowed.open("sha256", [.readOnly, .directory]),
            (try? whole.borrowed.names())?.isEmpty == true,
            // Others who write there hold it.
            let lock = try? layers.borrowed.open("lock", [.readOnly, .nonBlocking]),
            (try? lock.borrowed.lock(exclusive: true)) != nil
        {
            try? directory.removeTree("layers")
        }
        // One that holds anything stays.
        try? HostPath.removeDirectory(bundle)
    }

    private func unpack(
        _ reference: ImageReference, to bundle: String, _ directory: FileDescriptor,
        over base: JSONOutput
    ) throws(Failure) {
        let image = try find(reference, spoolingIn: directory)
        let storePath = store ?? bundle + "/layers"
        let layers = try LayerStore(storePath, in: store == nil ? directory : nil) {
            reporter.note("waiting for another process that writes to \(storePath)")
        }
        let config: ImageConfig
        var documents: SavedImage?
        var work: Work
        switch consume image {
        case .saved(let saved):
            config = saved.config
            documents = saved
            work = Work(self, layers, saved.layers.count)
            for (layer, diffID) in zip(saved.layers, config.diffIDs) {
                try work.unpack(layer, diffID)
            }
        case .rootfs(let blob):
            documents = nil
            work = Work(self, layers, 1)
            config = ImageConfig(diffID: try work.unpack(blob))
        }
        for note in work.notes { reporter.note(note) }
        if let documents {
            try documents.keepDocuments(in: directory, bundle, try reference.absolute())
        }
        try writeConfig(config, layers, storePath, base, in: directory, bundle)
    }

    enum Found: ~Copyable {
        case saved(SavedImage)
        case rootfs(Blob)
    }

    func find(
        _ reference: ImageReference, spoolingIn directory: FileDescriptor
    ) throws(Failure) -> Found {
        func archive(_ path: String) throws(Failure) -> TarTree {
            try TarTree(path, spoolingIn: directory, atMost: limits.size, reporter)
        }
        switch reference {
        case .layout(let path, let isArchive, let reference):
            let tree: any FileTree = isArchive ? try archive(path) : try DirectoryTree(path)
            return .saved(try OCILayout(tree).image(reference, platform))
        case .dockerArchive(let path, let reference):
            return .saved(try DockerArchive(tree: try archive(path)).image(reference, platform))
        case .rootfs(let path):
            return .rootfs(try Blob(openingArchive: path))
        }
    }

    private func openBundle(_ bundle: String) throws(Failure) -> OwnedDescriptor {
        try attempt("mkdir", on: bundle, try HostPath.makeDirectories(bundle, mode: 0o755))
        let directory = try attempt(
            "open", on: bundle, try HostPath.open(bundle, [.readOnly, .directory]))
        let status = try attempt("fstat", on: bundle, try FileStatus.of(directory.borrowed))
        let names = try attempt("readdir", on: bundle, Set(try directory.borrowed.entries()))
        if names.contains("config.json") {
            throw Failure(
                "\(bundle)/config.json exists; remove it first, or name another directory")
        }
        if !status.isOwned {
            throw Failure(
                "\(bundle) cannot be a bundle: \(status.foreignness ?? ""); name a directory of this"
                    + " user's own")
        }
        if let other = names.subtracting(["image", "layers", "rootfs"]).sorted().first {
            throw Failure(
                "\(bundle) is not empty (it has \"\(other)\"); name a new or empty directory")
        }
        return directory
    }

    /// The largest config.json that the other commands read.
    private static let mostOfConfig = 16 << 20

    /// Written last: what has a config.json is whole.
    private func writeConfig(
        _ image: ImageConfig, _ layers: LayerStore, _ storePath: String, _ base: JSONOutput,
        in directory: FileDescriptor, _ bundle: String
    ) throws(Failure) {
        // The same layer twice, which is mostly the empty one, is no overlay; the upper one counts.
        var order: [Digest] = []
        for diffID in image.diffIDs.reversed() where !order.contains(diffID) {
            order.append(diffID)
        }
        var roots: [LayerDirectory] = []
        for diffID in order {
            if let root = try layers.layer(diffID) {
                roots.append(LayerDirectory(root, layer: roots.count))
            }
        }
        let stack = try LayerStack(looking: roots)
        let user = try UserDatabase(stack).find(image.user)
        let volumes = try ImageVolumes(image.volumes, in: stack)
        let place = store == nil ? "layers" : try Unpacker.absolute(storePath)
        let paths = order.reversed().map { "\(place)/\(LayerStore.location(of: $0))" }
        let config = BundleConfig(
            image: image, user: user, volumes: volumes.places, layers: paths,
            root: paths.count == 1 ? paths[0] : "rootfs")
        for note in volumes.notes + config.notes { reporter.note(note) }
        let text = Array(config.json(over: base).prettyText.utf8)
        if text.count > Unpacker.mostOfConfig {
            throw Failure(
                "the image's config makes a config.json of \(text.count) bytes, and"
                    + " \(Unpacker.mostOfConfig) are the most that are read")
        }
        if paths.count > 1 {
            // For runtimes that build no overlay: something may be mounted there for them.
            _ = try attempt(
                "mkdir", on: "\(bundle)/rootfs", try directory.openOrMake("rootfs", mode: 0o755))
        }
        try attempt(
            "write", on: "\(bundle)/config.json",
            try directory.replaceFile("config.json", with: text, mode: 0o644))
    }

    static func absolute(_ path: String) throws(Failure) -> String {
        if path.hasPrefix("/") { return path }
        return try attempt("getcwd", on: path, "\(try HostPath.workingDirectory())/\(path)")
    }
}
