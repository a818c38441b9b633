internal import Archives
internal import LinuxSystem
internal import SystemPackage

extension LayerWriter {
    /// Runs `make`, and where the name is taken already removes what has it and runs it again.
    private func making(
        _ call: String, _ name: FileName, in parent: FileDescriptor, _ path: EntryPath,
        _ make: () throws(Errno) -> Void
    ) throws(Failure) {
        func work() throws(Errno) {
            do throws(Errno) {
                try make()
            } catch .fileExists {
                try parent.removeTree(name)
                try make()
            }
        }
        try attempt(call, path.text, try work())
    }

    func writeFile(
        _ name: FileName, in parent: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        // An ordinary user sets attributes of what that user may write.
        let mode = entry.permissions & 0o777 | privilege.addedToFiles
        let file = try attempt(
            "open", path.text, try LayerWriter.openNew(name, in: parent, mode: mode))
        try writeContent(file.borrowed, size: entry.size, path)
        try giveAway(entry, path) { user, group throws(Errno) in
            try file.borrowed.changeOwner(user: user, group: group)
        }
        try writeAttributes(entry, path) { name, value throws(Errno) in
            try file.borrowed.setAttribute(name, bytes: value)
        }
        // A change of owner takes set-id bits away: they come after it.
        if entry.permissions != mode {
            try attempt("fchmod", path.text, try file.borrowed.changeMode(entry.permissions))
        }
        if let time = entry.time {
            try attempt("futimens", path.text, try file.borrowed.changeTimes(to: time))
        }
    }

    /// A new file in the place of whatever has the name.
    private static func openNew(
        _ name: FileName, in parent: FileDescriptor, mode: UInt32
    ) throws(Errno) -> OwnedDescriptor {
        let flags: OpenFlags = [.create, .exclusive, .writeOnly]
        do throws(Errno) {
            return try parent.open(name, flags, mode: mode)
        } catch .fileExists {
            try parent.removeTree(name)
            return try parent.open(name, flags, mode: mode)
        }
    }

    private func writeContent(
        _ file: FileDescriptor, size: Int64, _ path: EntryPath
    ) throws(Failure) {
        var end: Int64 = 0
        while let block = try unsafe within("the entry \(path.text)", try reader.nextBlock()) {
            let bytes = unsafe block.bytes
            let offset = unsafe block.offset
            if unsafe bytes.isEmpty { continue }
            if offset < end || offset + Int64(bytes.count) > size {
                throw Failure("the entry \(path.text) has more content than its size says")
            }
            if offset != end { try attempt("lseek", path.text, try file.moveOffset(to: offset)) }
            try unsafe attempt("write", path.text, try file.writeAll(bytes))
            end = offset + Int64(bytes.count)
        }
        if end != size {
            try attempt("ftruncate", path.text, try file.setSize(size))
        }
    }

    func writeSymbolicLink(
        _ name: FileName, in parent: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        let target = entry.linkTarget
        if target.isEmpty || target.count > 4095 {
            throw Failure("the symbolic link \(path.text) leads to \(target.count) bytes")
        }
        try making("symlink", name, in: parent, path) { () throws(Errno) in
            try parent.makeSymbolicLink(name, to: target)
        }
        try finish(name, in: parent, entry, path)
    }

    /// Another name of a file of this layer; what it would be of another one's is not known here.
    func writeHardLink(
        _ name: FileName, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        let target = try EntryPath(entry.linkTarget)
        guard let targetName = target.names.last else {
            throw Failure("the hard link \(path.text) leads to the root of the layer")
        }
        if target == path { return }
        let missing = Failure(
            "the hard link \(path.text) leads to \(target.text), which is no file of the same layer"
        )
        guard let found = try existing(target.parents, for: target) else { throw missing }
        // A descriptor of its own: the way to the link may close it.
        let from = try attempt("dup", path.text, try OwnedDescriptor.duplicate(found))
        let file = from.borrowed
        let status = try attempt(
            "stat", target.text, try unlessMissing(try FileStatus.of(targetName, in: file)))
        guard let status, status.kind != .directory else { throw missing }
        let parent = try directory(path.parents, for: path)
        let there = try attempt(
            "stat", path.text, try unlessMissing(try FileStatus.of(name, in: parent)))
        if there?.isSame(as: status) == true { return }
        try making("link", name, in: parent, path) { () throws(Errno) in
            try parent.makeLink(name, to: targetName, in: from.borrowed)
        }
    }

    func writeNode(
        _ name: FileName, in parent: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        let kind: FileKind =
            switch entry.kind {
            case .characterDevice: .characterDevice
            case .blockDevice: .blockDevice
            default: .fifo
            }
        let leftOut = "devices are left out: only root can make them"
        if kind != .fifo && privilege == .user { return note(leftOut) }
        let number =
            kind == .fifo
            ? DeviceNumber(major: 0, minor: 0)
            : DeviceNumber(major: entry.major, minor: entry.minor)
        let mode = kind.modeBits | entry.permissions & 0o777
        var isMade = true
        try making("mknod", name, in: parent, path) { () throws(Errno) in
            do throws(Errno) {
                try parent.makeNode(name, mode: mode, device: number)
            } catch .notPermitted where kind != .fifo {
                // Root of a user namespace.
                isMade = false
            }
        }
        if !isMade { return note(leftOut) }
        try finish(name, in: parent, entry, path)
        if entry.permissions > 0o777 {
            try attempt("fchmodat", path.text, try parent.changeMode(name, entry.permissions))
        }
    }

    /// Makes a file that of its owner in the archive.
    func giveAway(
        _ entry: ArchiveEntry, _ path: EntryPath,
        _ change: (_ user: UInt32, _ group: UInt32) throws(Errno) -> Void
    ) throws(Failure) {
        guard let owner = try privilege.owner(of: entry, path) else { return }
        do throws(Errno) {
            try change(owner.user, owner.group)
        } catch .invalidArgument {
            note("owners that this user namespace does not have are left out")
        } catch {
            throw Failure("fchownat", path.text, error)
        }
    }

    /// Owner, attributes and time of what is reached by its name alone.
    private func finish(
        _ name: FileName, in parent: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        try giveAway(entry, path) { user, group throws(Errno) in
            try parent.changeOwner(name, user: user, group: group)
        }
        try writeAttributes(entry, path) { attribute, value throws(Errno) in
            try parent.setAttribute(of: name, attribute, value)
        }
        if let time = entry.time {
            try attempt("utimensat", path.text, try parent.changeTimes(name, to: time))
        }
    }

    /// The extended attributes but those that are overlayfs's own: a layer that brought them could
    /// make it look for content elsewhere.
    func writeAttributes(
        _ entry: ArchiveEntry, _ path: EntryPath,
        _ set: (String, [UInt8]) throws(Errno) -> Void
    ) throws(Failure) {
        for (name, value) in entry.attributes {
            let own = ["trusted.overlay.", "user.overlay.", "user.vfs-run."]
            if own.contains(where: name.hasPrefix) {
                note(
                    "attributes of overlayfs and of vfs-run are left out:"
                        + " \(shown(name))")
                continue
            }
            do {
                try set(name, value)
            } catch .notPermitted {
                // user.* attributes are of files and directories alone, and those of a user
                // namespace's root are not all there are.
                note(
                    "attributes that cannot be set on a file of its kind, or not by this user, are"
                        + " left out: \(shown(name))")
            } catch .notSupported {
                note("the file system cannot hold the attribute \(shown(name))")
            } catch {
                throw Failure("setxattr", "\(path.text) \(shown(name))", error)
            }
        }
        if entry.hasAccessControlList { note("access control lists are left out") }
    }
}
