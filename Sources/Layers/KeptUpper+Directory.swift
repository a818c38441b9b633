public import LinuxSystem
internal import SystemPackage

/// The directory itself. Programs with set-id bits may lie in it, which the containers' users have
/// made: no other user of the host gets into it.
extension KeptUpper {
    private static let ownNames: Set = [
        "upper", "work", snapshotsName, removedName, recordName, userName, UpperLocks.name,
        AppliedChanges.folderName,
    ]

    /// Opens the directory at a path that the user has named.
    ///
    /// - Throws: It belongs to another user, or others may write to it: what lies in it is believed.
    static func openDirectory(_ path: String) throws(Failure) -> LayerDirectory {
        let opened = try attempt(
            "open", on: path, try HostPath.open(path, [.readOnly, .directory]))
        let directory = LayerDirectory(opened, layer: 0)
        let status = try attempt("fstat", on: path, try FileStatus.of(directory.borrowed))
        if status.isOwn { return directory }
        if status.isOwned, try attempt("readdir", on: path, try directory.borrowed.isEmpty) {
            return directory
        }
        throw Failure(
            "\"\(path)\" cannot keep an upper: \(status.foreignness ?? "it is not this user's");"
                + " name a directory that belongs to this user and that other users cannot write to"
        )
    }

    /// Opens the directory for a run, and makes what is missing of it. Nothing is made where that
    /// is refused.
    ///
    /// - Parameter layers: What the run lies on.
    public init(preparing path: String, over layers: [String]) throws(Failure) {
        let directory: LayerDirectory
        if try KeptUpper.isMissing(path) {
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

    static func isMissing(_ path: String) throws(Failure) -> Bool {
        try attempt("stat", on: path, try unlessMissing(try FileStatus.of(path: path)) == nil)
    }

    private static func makeDirectory(_ path: String) throws(Failure) -> LayerDirectory {
        let (parent, last) = HostPath.split(path)
        guard let name = last else { throw Failure("mkdir", path.inQuotes, .invalidArgument) }
        do throws(Errno) {
            try HostPath.makeDirectories(parent, mode: 0o755)
            let holder = try HostPath.open(parent, [.readOnly, .directory])
            return LayerDirectory(
                try holder.borrowed.makePlainDirectory(name, mode: 0o700), layer: 0)
        } catch .fileExists {
            // A run that starts at the same time has made it.
            return try openDirectory(path)
        } catch {
            throw Failure("mkdir", path.inQuotes, error, advice: advice(error))
        }
    }

    private static func advice(_ error: Errno) -> String? {
        error == .permissionDenied ? "name a directory that this user may write to" : nil
    }

    /// Other files are not mixed with what runs write: `undo --all` removes that.
    private static func requireOwn(
        _ directory: FileDescriptor, _ path: String
    ) throws(Failure) {
        let names = try attempt("readdir", on: path, Set(try directory.entries()))
        if names.contains(recordName) || names.isSuperset(of: ["upper", "work"]) { return }
        if let other = names.subtracting(ownNames).sorted().first {
            throw Failure(
                "\"\(path)\" has no upper and is not empty (it has \"\(other)\"); name a new or empty"
                    + " directory")
        }
    }

    /// Makes what is missing in the directory, and keeps others out of it.
    private static func fill(_ directory: LayerDirectory, _ path: String) throws(Failure) {
        let isNew = try attempt(
            "mkdir", on: "\(path)/upper", advice: advice, try fill(directory.borrowed))
        if isNew {
            try takeAttributes(of: snapshots(in: directory.borrowed, path).last, directory, path)
        }
    }

    /// - Returns: Whether the upper is new.
    private static func fill(_ directory: FileDescriptor) throws(Errno) -> Bool {
        let status = try FileStatus.of(directory)
        // Earlier versions made it 0755.
        if status.permissions != 0o700 { try directory.changeMode(0o700) }
        _ = try directory.openOrMake("work", mode: 0o700)
        let isNew = try unlessMissing(try FileStatus.of("upper", in: directory)) == nil
        _ = try directory.openOrMake("upper", mode: 0o755)
        return isNew
    }

    /// The root of the container has the attributes of its upper: a new one gets those of the
    /// snapshot that it follows.
    private static func takeAttributes(
        of snapshot: Snapshot?, _ directory: LayerDirectory, _ path: String
    ) throws(Failure) {
        guard let snapshot else { return }
        try attempt(
            "mkdir", on: "\(path)/upper", advice: advice,
            try copyAttributes(of: snapshot, in: directory.borrowed))
    }

    private static func copyAttributes(
        of snapshot: Snapshot, in directory: FileDescriptor
    ) throws(Errno) {
        let folder = try directory.open(snapshotsName, [.path, .directory])
        let source = try FileStatus.of(snapshot.directoryName, in: folder.borrowed)
        let upper = try directory.open("upper", [.readOnly, .directory])
        try upper.borrowed.changeOwner(user: source.userID, group: source.groupID)
        try upper.borrowed.changeMode(source.permissions)
    }

    /// Makes a new upper in the place of one that has been moved away.
    func makeUpper() throws(Failure) { try KeptUpper.fill(directory, path) }
}
