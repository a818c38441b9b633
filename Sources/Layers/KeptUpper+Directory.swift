public import LinuxSystem
internal import SystemPackage

/// The directory itself. Programs with set-id bits may lie in it, which the containers' users have
/// made: no other user of the host gets into it.
extension KeptUpper {
    private static let ownNames: Set = [
        "upper", "work", snapshotsName, removedName, recordName, userName, UpperLocks.name,
    ]

    /// Opens the directory at a path that the user has named.
    ///
    /// - Throws: It belongs to another user, or others may write to it: what lies in it is believed.
    static func openDirectory(_ path: String) throws(LayerError) -> LayerDirectory {
        let (directory, status): (LayerDirectory, FileStatus)
        do throws(Errno) {
            let opened = try HostPath.open(path, [.readOnly, .directory])
            status = try FileStatus.of(opened.borrowed)
            directory = LayerDirectory(opened, layer: 0)
        } catch {
            throw LayerError("open \"\(path)\": \(error.words)")
        }
        if !status.isOwned { throw foreign(path, status) }
        if !status.isOwn {
            let names = try? FileNameList(of: directory.borrowed)
            if names?.count != 0 { throw foreign(path, status) }
        }
        return directory
    }

    private static func foreign(_ path: String, _ status: FileStatus) -> LayerError {
        LayerError(
            "\"\(path)\" cannot keep an upper: \(status.foreignness ?? "it is not this user's");"
                + " name a directory of this user's own that nobody else may write to")
    }

    /// Opens the directory for a run, and makes what is missing of it. Nothing is made where that
    /// is refused.
    ///
    /// - Parameter layers: What the run lies on.
    public init(preparing path: String, over layers: [String]) throws(LayerError) {
        let directory: LayerDirectory
        if KeptUpper.isMissing(path) {
            try KeptUpper.requireOutside(path, layers)
            directory = try KeptUpper.makeDirectory(path)
        } else {
            directory = try KeptUpper.openDirectory(path)
            try KeptUpper.requireOutside(path, layers)
            try KeptUpper.requireOwn(directory.borrowed, path)
        }
        try KeptUpper.fill(directory, path)
        try self.init(path: path, directory)
    }

    static func isMissing(_ path: String) -> Bool {
        do throws(Errno) {
            _ = try FileStatus.of(path: path)
            return false
        } catch {
            return error == .noSuchFileOrDirectory
        }
    }

    private static func makeDirectory(_ path: String) throws(LayerError) -> LayerDirectory {
        var bytes = path.utf8[...]
        while bytes.count > 1 && bytes.last == 0x2f { bytes.removeLast() }
        let slash = bytes.lastIndex(of: 0x2f)
        let parent = slash.map { String(Substring(bytes[...$0])) } ?? "."
        let last = slash.map { bytes[bytes.index(after: $0)...] } ?? bytes
        do throws(Errno) {
            guard let name = FileName(last) else { throw .invalidArgument }
            try HostPath.makeDirectories(parent, mode: 0o755)
            let holder = try HostPath.open(parent, [.readOnly, .directory])
            do throws(Errno) {
                return LayerDirectory(
                    try holder.borrowed.makePlainDirectory(name, mode: 0o700), layer: 0)
            } catch .fileExists {
            }
        } catch {
            throw failed("mkdir \"\(path)\"", error)
        }
        // Made meanwhile by a run that starts at the same time.
        return try openDirectory(path)
    }

    private static func failed(_ call: String, _ error: Errno) -> LayerError {
        LayerError(
            "\(call): \(error.words)"
                + (error == .permissionDenied
                    ? "; name a directory that this user may write to" : "")
        )
    }

    /// Other files are not mixed with what runs write: `undo --all` removes that.
    private static func requireOwn(
        _ directory: FileDescriptor, _ path: String
    ) throws(LayerError) {
        let names: Set<String>
        do throws(Errno) {
            names = Set(try directory.entries())
        } catch {
            throw LayerError("readdir \"\(path)\": \(error.words)")
        }
        if names.contains(recordName) || names.isSuperset(of: ["upper", "work"]) { return }
        if let other = names.subtracting(ownNames).sorted().first {
            throw LayerError(
                "\"\(path)\" holds other files, \"\(other)\" for one, and no upper yet; name a new"
                    + " directory, or an empty one")
        }
    }

    /// An upper in a layer would be seen by every container that lies on it.
    private static func requireOutside(
        _ path: String, _ layers: [String]
    ) throws(LayerError) {
        var found: String?
        do throws(Errno) {
            let place = try nearest(path)
            found = try layer(around: place, layers)
            if found == nil { found = try storedLayer(around: place) }
        } catch {
            throw LayerError("open \"\(path)\": \(error.words)")
        }
        if let found {
            throw LayerError(
                "the upper \"\(path)\" lies in the layer \"\(found)\", where every container on that"
                    + " layer would see it; name a directory outside of the layers")
        }
    }

    /// What is there of a path that may not be there.
    private static func nearest(_ path: String) throws(Errno) -> LayerDirectory {
        var path = path[...]
        while true {
            do throws(Errno) {
                let name = path.isEmpty ? "." : String(path)
                return LayerDirectory(try HostPath.open(name, [.path, .directory]), layer: 0)
            } catch .noSuchFileOrDirectory where !path.isEmpty && path != "/" {
                while path.last == "/" { path.removeLast() }
                guard let slash = path.lastIndex(of: "/") else {
                    path = ""
                    continue
                }
                path = slash == path.startIndex ? "/" : path[..<slash]
            }
        }
    }

    private static func layer(
        around start: LayerDirectory, _ layers: [String]
    ) throws(Errno) -> String? {
        var known: [(path: String, status: FileStatus)] = []
        for path in layers {
            // One that is not there is refused by the step that opens it.
            if let status = try? FileStatus.of(path: path) { known.append((path, status)) }
        }
        var place = start
        var status = try FileStatus.of(place.borrowed)
        // The root is its own parent; a path has no more names than these.
        for _ in 0..<4096 {
            if let found = known.first(where: { $0.status.isSame(as: status) }) {
                return found.path
            }
            let parent = try place.borrowed.open("..", [.path, .directory])
            let above = try FileStatus.of(parent.borrowed)
            if above.isSame(as: status) { return nil }
            place = LayerDirectory(parent, layer: 0)
            status = above
        }
        return nil
    }

    /// A layer that an image has been unpacked to: `…/sha256/` and 64 digits.
    private static func storedLayer(around place: LayerDirectory) throws(Errno) -> String? {
        let path = try HostPath.linkTarget("/proc/self/fd/\(place.borrowed.rawValue)")
        let names = path.split(separator: "/")
        for (index, name) in names.enumerated().dropFirst()
        where names[index - 1] == "sha256" && name.utf8.count == 64 {
            if name.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) {
                return "/" + names[...index].joined(separator: "/")
            }
        }
        return nil
    }

    /// Makes what is missing in the directory, and keeps others out of it.
    private static func fill(_ directory: LayerDirectory, _ path: String) throws(LayerError) {
        do throws(Errno) {
            let status = try FileStatus.of(directory.borrowed)
            // Earlier versions made it 0755.
            if status.permissions != 0o700 { try directory.borrowed.changeMode(0o700) }
            try make("work", in: directory.borrowed, mode: 0o700)
            if try !make("upper", in: directory.borrowed, mode: 0o755) { return }
        } catch {
            throw failed("mkdir \"\(path)/upper\"", error)
        }
        try takeAttributes(of: snapshots(in: directory.borrowed, path).last, directory, path)
    }

    /// - Returns: Whether it was not there.
    @discardableResult
    private static func make(
        _ name: String, in directory: FileDescriptor, mode: UInt32
    ) throws(Errno) -> Bool {
        guard let name = FileName(name) else { throw .invalidArgument }
        do throws(Errno) {
            _ = try directory.makePlainDirectory(name, mode: mode)
            return true
        } catch .fileExists {
            // A link would lead elsewhere.
            if try FileStatus.of(name, in: directory).kind != .directory { throw .notDirectory }
            return false
        }
    }

    /// The root of the container has the attributes of its upper: a new one gets those of what it
    /// follows.
    private static func takeAttributes(
        of snapshot: Snapshot?, _ directory: LayerDirectory, _ path: String
    ) throws(LayerError) {
        guard let snapshot else { return }
        do throws(Errno) {
            let folder = try directory.borrowed.open(snapshotsName, [.path, .directory])
            let source = try FileStatus.of(snapshot.directoryName, in: folder.borrowed)
            let upper = try directory.borrowed.open("upper", [.readOnly, .directory])
            try upper.borrowed.changeOwner(user: source.userID, group: source.groupID)
            try upper.borrowed.changeMode(source.permissions)
        } catch {
            throw failed("mkdir \"\(path)/upper\"", error)
        }
    }

    /// Makes a new upper in the place of one that has been moved away.
    func makeUpper() throws(LayerError) { try KeptUpper.fill(directory, path) }
}
