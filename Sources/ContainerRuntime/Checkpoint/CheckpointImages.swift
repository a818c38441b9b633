internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The directory of a checkpoint's images, open.
///
/// CRIU carries out as root what the images say: processes, their memory, their rights. So they are
/// believed as a program of root's is believed: only where no other user can have written them.
///
///     *.img, pages-*            CRIU's
///     descriptors.json          the pipes that were the first process's standard streams, as runc has it
///     upper.tar, upper-N.tar    what was written to the root and to copy-on-write trees, as layers
struct CheckpointImages: Sendable {
    let directory: HeldDescriptor
    let path: String
    let work: HeldDescriptor
    let workPath: String

    static let streamsName = "descriptors.json"
    private static let mostParents = 64

    /// - Parameter tree: The number of a copy-on-write tree; nil for the root.
    static func upperName(_ tree: Int?) -> String {
        "upper\(tree.map { "-\($0)" } ?? "").tar"
    }

    /// For a dump: makes what is missing.
    static func make(_ options: CheckpointOptions) throws(Failure) -> CheckpointImages {
        for path in [options.imagePath, options.workPath].compactMap(\.self) {
            try attempt("mkdir", on: path, try HostPath.makeDirectories(path, mode: 0o700))
        }
        return try CheckpointImages(options)
    }

    /// For a restore: every file is looked at.
    static func open(_ options: CheckpointOptions) throws(Failure) -> CheckpointImages {
        if let path = options.workPath {
            try attempt("mkdir", on: path, try HostPath.makeDirectories(path, mode: 0o700))
        }
        let images = try CheckpointImages(options)
        var directory = images.directory
        for _ in 0..<mostParents {
            guard let parent = try images.verify(directory) else { return images }
            directory = HeldDescriptor(
                try attempt(
                    "open", "the parent of \(images.path.inQuotes)",
                    try directory.borrowed.open(parent, [.readOnly, .directory])))
            try requireOwn(directory, "a parent of \(images.path.inQuotes)")
        }
        throw Failure("the images in \(images.path.inQuotes) have too many parents")
    }

    private init(_ options: CheckpointOptions) throws(Failure) {
        path = options.imagePath
        directory = try CheckpointImages.openOwn(path)
        workPath = options.workPath ?? path
        work =
            try options.workPath.map { path throws(Failure) in
                try CheckpointImages.openOwn(path)
            } ?? directory
        guard let parent = options.parentPath else { return }
        do throws(Errno) {
            _ = try directory.borrowed.open(parent, [.readOnly, .directory])
        } catch {
            throw Failure("invalid --parent-path: open", "\(path)/\(parent)".inQuotes, error)
        }
    }

    private static func openOwn(_ path: String) throws(Failure) -> HeldDescriptor {
        let opened = HeldDescriptor(
            try attempt("open", on: path, try HostPath.open(path, [.readOnly, .directory])))
        try requireOwn(opened, path.inQuotes)
        return opened
    }

    private static func requireOwn(
        _ directory: HeldDescriptor, _ name: String
    ) throws(Failure) {
        let status = try attempt("fstat", name, try FileStatus.of(directory.borrowed))
        guard let reason = status.foreignness else { return }
        throw Failure(
            "\(name) is not used for images, which say what runs as root: \(reason); name a"
                + " directory of this user's own")
    }

    /// - Returns: The link to the images that these are a difference to.
    private func verify(_ directory: HeldDescriptor) throws(Failure) -> String? {
        var parent: String?
        for name in try attempt("getdents64", on: path, try directory.borrowed.entries()) {
            let status = try attempt(
                "fstatat", on: "\(path)/\(name)",
                try FileStatus.of(name, in: directory.borrowed))
            if name == "parent", status.kind == .symbolicLink, status.isOwned {
                parent = name
                continue
            }
            if status.kind == .directory && status.isOwn { continue }
            if status.kind == .regular, status.isOwn { continue }
            // Of criu lazy-pages, which hands out the memory.
            if status.kind == .socket, status.isOwned { continue }
            throw Failure(
                "\("\(path)/\(name)".inQuotes) is not restored: it is no file of this user's own"
                    + " that no other user may write to, and images say what runs as root")
        }
        return parent
    }

    // MARK: Files of the runtime's own

    func write(streams: [String]) throws(Failure) {
        let text = JSONOutput.array(streams.map(JSONOutput.string)).compactText
        try attempt(
            "write", on: CheckpointImages.streamsName,
            try directory.borrowed.replaceFile(
                CheckpointImages.streamsName, with: Array(text.utf8), mode: 0o600))
    }

    /// The names of pipes by the number of the stream; empty for other files.
    func streams() throws(Failure) -> [String] {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try directory.borrowed.openOwn(CheckpointImages.streamsName)
            bytes = try file.borrowed.readShort()
        } catch {
            throw Failure("open", "\(path)/\(CheckpointImages.streamsName)".inQuotes, error)
        }
        guard let document = try? JSONDocument(bytes) else {
            throw Failure("\(path)/\(CheckpointImages.streamsName) is damaged")
        }
        return document.root.elements.prefix(3).map { $0.string ?? "" }
    }

    func openUpper(_ tree: Int?) throws(Failure) -> HeldDescriptor {
        let name = CheckpointImages.upperName(tree)
        do throws(Errno) {
            return HeldDescriptor(try directory.borrowed.openOwn(name))
        } catch {
            throw Failure(
                "open", "\(path)/\(name)".inQuotes, error,
                advice: "without it what the container had written is gone")
        }
    }
}
