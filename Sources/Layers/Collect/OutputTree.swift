internal import LinuxSystem
internal import SystemPackage

/// A directory of the caller's in which files are put below directories that are made as they are
/// needed. Names come from a container: no link is followed.
final class OutputTree: CollectedFiles {
    private let path: String
    private let root: OwnedDescriptor
    /// Whom what is made is given to, where this process makes files for another user.
    var owner: (user: UInt32, group: UInt32)?
    /// The directories on the way to the last file.
    private var levels: [(name: FileName, directory: LayerDirectory)] = []

    /// - Parameter path: Made where it is missing, with its parents.
    init(_ path: String) throws(Failure) {
        self.path = path
        func open() throws(Errno) -> OwnedDescriptor {
            do throws(Errno) {
                return try HostPath.open(path, [.path, .directory])
            } catch .noSuchFileOrDirectory {
                try HostPath.makeDirectories(path, mode: 0o777)
                return try HostPath.open(path, [.path, .directory])
            }
        }
        root = try attempt("mkdir", on: path, try open())
    }

    /// Writes a new file, in the place of one that is there.
    ///
    /// - Parameter mode: Permission bits; those of the umask are taken away.
    func write(
        _ source: FileDescriptor, size: Int64, mode: UInt32, to names: [[UInt8]]
    ) throws(Failure) {
        let place =
            path + "/"
            + names.map { String(decoding: $0, as: UTF8.self) }
            .joined(separator: "/")
        let all = names.compactMap { FileName($0) }
        guard all.count == names.count, let name = all.last else {
            throw Failure("\(place.inQuotes) is no name of a file")
        }
        try attempt("openat", on: place, advice: OutputTree.advice, try enter(all.dropLast()))
        let parent = levels.last?.directory.borrowed ?? root.borrowed
        let file = try attempt(
            "openat", on: place, advice: OutputTree.advice, try make(name, in: parent, mode: mode))
        do throws(Errno) {
            try file.borrowed.copyData(from: source, size: size)
        } catch {
            try? parent.remove(name)
            throw Failure("write", place.inQuotes, error)
        }
    }

    private func enter(_ names: ArraySlice<FileName>) throws(Errno) {
        var common = 0
        for (level, name) in zip(levels, names) {
            if level.name != name { break }
            common += 1
        }
        levels.removeSubrange(common...)
        for name in names.dropFirst(common) {
            let parent = levels.last?.directory.borrowed ?? root.borrowed
            do throws(Errno) {
                try parent.makeDirectory(name, mode: 0o777)
                if let owner {
                    try parent.changeOwner(name, user: owner.user, group: owner.group)
                }
            } catch .fileExists {
            }
            levels.append((name, LayerDirectory(try parent.enter(name), layer: 0)))
        }
    }

    /// What has the name now may be a link, or have other names: it is not written to.
    private func make(
        _ name: FileName, in parent: FileDescriptor, mode: UInt32
    ) throws(Errno) -> OwnedDescriptor {
        let flags: OpenFlags = [.writeOnly, .create, .exclusive]
        let made: OwnedDescriptor
        do throws(Errno) {
            made = try parent.open(name, flags, mode: mode)
        } catch .fileExists {
            try parent.remove(name)
            made = try parent.open(name, flags, mode: mode)
        }
        if let owner { try made.borrowed.changeOwner(user: owner.user, group: owner.group) }
        return made
    }

    private static func advice(_ error: Errno) -> String? {
        switch error {
        case .notDirectory: "a file or a symbolic link has the name of a directory; remove it"
        case .isDirectory: "a directory has the name of a file; remove it"
        default: nil
        }
    }
}
