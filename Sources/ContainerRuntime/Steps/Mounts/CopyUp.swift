internal import LinuxSystem
internal import SystemPackage

/// `tmpcopyup`: a new tmpfs starts with what the directory that it will cover holds.
///
/// The image's files are read by descriptors, name by name, and no link is followed: nothing outside
/// of the directory is reached, however it changes meanwhile. The tmpfs is not attached yet, so
/// no other process can change the copy. The size of the tmpfs bounds the copy.
struct CopyUp {
    let destination: String
    /// Those of the tmpfs: an owner that they name stays.
    let parameters: [Configuration.Mount.Parameter]

    /// Deeper than any image is; each level holds descriptors.
    private static let deepest = 200

    func fill(_ tmpfs: FileDescriptor, from below: FileDescriptor) throws(Failure) {
        try copyTree(to: tmpfs, from: below)
        let found = try attempt("fstat", on: destination, try FileStatus.of(below))
        let names = Set(parameters.map(\.key))
        func dress() throws(Errno) {
            if names.isDisjoint(with: ["uid", "gid"]) && (found.userID, found.groupID) != (0, 0) {
                // As the mode: it is clear that of the tmpfs, where its options name one.
                let mode = try FileStatus.of(tmpfs).permissions
                try tmpfs.changeOwner(".", user: found.userID, group: found.groupID)
                try tmpfs.changeMode(".", mode)
            }
            try tmpfs.copyTimes(".", from: below)
        }
        try attempt("fchownat", on: destination, advice: advice, try dress())
    }

    /// A directory of the image, its copy, and what of it is still to be copied.
    private struct Directory {
        let source: HeldDescriptor
        let target: HeldDescriptor
        let path: String
        var left: [String]
    }

    /// A directory that has been begun, with what it gets when it is full.
    private struct Pending {
        let name: String
        let status: FileStatus
    }

    private func copyTree(
        to tmpfs: FileDescriptor, from below: FileDescriptor
    ) throws(Failure) {
        let (mount, source, target) = try attempt(
            "statx", on: destination,
            try (
                below.mountID(), HeldDescriptor(OwnedDescriptor.duplicate(below)),
                HeldDescriptor(OwnedDescriptor.duplicate(tmpfs))
            ))
        // The way from the top to the directory that is being copied, and what each got its copy by.
        var way = [try opened(source, target, destination)]
        var pending: [Pending] = []
        while let last = way.indices.last {
            if let name = way[last].left.popLast() {
                guard let (source, status) = try look(at: name, in: way[last], on: mount) else {
                    continue
                }
                let path = "\(way[last].path)/\(name)"
                if status.kind == .directory {
                    if way.count > CopyUp.deepest {
                        throw Failure("\(path.inQuotes) is nested too deep to be copied")
                    }
                    let made = try makeDirectory(name, in: way[last].target.borrowed, path)
                    way.append(try opened(source, made, path))
                    pending.append(Pending(name: name, status: status))
                } else {
                    try copy(name, source.borrowed, status, way[last])
                    try finish(name, source.borrowed, status, way[last])
                }
                continue
            }
            let done = way.removeLast()
            if let begun = pending.popLast(), let around = way.last {
                try finish(begun.name, done.source.borrowed, begun.status, around)
            }
        }
    }

    private func opened(
        _ source: HeldDescriptor, _ target: HeldDescriptor, _ path: String
    ) throws(Failure) -> Directory {
        let names = try attempt("readdir", on: path, try source.borrowed.entries())
        return Directory(source: source, target: target, path: path, left: names)
    }

    /// Looked at by a handle first: opening a device may do something. Nil for what is mounted
    /// there, which is no part of the directory and is covered with it.
    private func look(
        at name: String, in directory: Directory, on mount: UInt64
    ) throws(Failure) -> (HeldDescriptor, FileStatus)? {
        func open() throws(Errno) -> (HeldDescriptor, FileStatus)? {
            let source = try directory.source.borrowed.open(name, .path)
            if try source.borrowed.mountID() != mount { return nil }
            let status = try FileStatus.of(source.borrowed)
            return (HeldDescriptor(source), status)
        }
        return try attempt("openat", on: "\(directory.path)/\(name)", try open())
    }

    private func makeDirectory(
        _ name: String, in target: FileDescriptor, _ path: String
    ) throws(Failure) -> HeldDescriptor {
        try attempt(
            "mkdirat", on: path, advice: advice, try target.makeDirectory(name, mode: 0o700))
        return try attempt(
            "openat", on: path, HeldDescriptor(try target.open(name, [.path, .directory])))
    }

    /// All but directories.
    private func copy(
        _ name: String, _ source: FileDescriptor, _ status: FileStatus, _ directory: Directory
    ) throws(Failure) {
        let path = "\(directory.path)/\(name)"
        let target = directory.target.borrowed
        switch status.kind {
        case .directory: break
        case .regular:
            func copyData() throws(Errno) {
                let opened = try directory.source.borrowed.open(
                    name, [.readOnly, .nonBlocking, .noControllingTerminal])
                let now = try FileStatus.of(opened.borrowed)
                // Swapped in between.
                if now.kind != .regular { throw .invalidArgument }
                let made = try target.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
                try made.borrowed.copyData(from: opened.borrowed, size: now.size)
            }
            try attempt("write", on: path, advice: advice, try copyData())
        case .symbolicLink:
            try attempt(
                "symlinkat", on: path, advice: advice,
                try target.makeSymbolicLink(name, to: try source.linkTarget()))
        case .characterDevice, .blockDevice, .fifo, .socket:
            try attempt(
                "mknodat", on: path, advice: advice,
                try target.makeNode(
                    name, mode: status.kind.modeBits | 0o600, device: status.deviceNumber))
        }
    }

    /// The owner, mode and times of a copy, once its content is there.
    private func finish(
        _ name: String, _ source: FileDescriptor, _ status: FileStatus, _ directory: Directory
    ) throws(Failure) {
        let path = "\(directory.path)/\(name)"
        let target = directory.target.borrowed
        func dress() throws(Errno) {
            try target.changeOwner(name, user: status.userID, group: status.groupID)
            // Last of the two: a change of the owner takes set-id bits away.
            if status.kind != .symbolicLink { try target.changeMode(name, status.permissions) }
            try target.copyTimes(name, from: source)
        }
        try attempt("fchownat", on: path, advice: advice, try dress())
    }

    private func advice(_ error: Errno) -> String? {
        switch error {
        case .noSpace:
            "the tmpfs is too small for what \(destination.inQuotes) holds; raise its \"size\" or"
                + " \"nr_inodes\", or leave \"tmpcopyup\" out"
        case .invalidArgument:
            "it changed while it was copied, or its owner is not mapped in the user namespace"
        default: nil
        }
    }
}
