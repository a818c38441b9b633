internal import LinuxSystem
internal import SystemPackage

/// `tmpcopyup`: a new tmpfs starts with what the directory that it will cover holds.
///
/// The image's files are read by descriptors, name by name, and no link is followed: nothing outside
/// of the directory is reached, however it changes meanwhile. The tmpfs is not attached yet, so
/// nobody can change what is being written. How much it holds is the bound of all.
struct CopyUp {
    let destination: String
    /// Those of the tmpfs: an owner that they name stays.
    let parameters: [Configuration.Mount.Parameter]

    /// Deeper than any image is; each level holds descriptors.
    private static let deepest = 200

    func fill(_ tmpfs: FileDescriptor, from below: FileDescriptor) throws(StepError) {
        let directory = Directory(source: below, target: tmpfs, path: destination, depth: 0)
        try copyEntries(directory)
        let found = try stepping("fstat", destination.inQuotes) { () throws(Errno) in
            try FileStatus.of(below)
        }
        let names = Set(parameters.map(\.key))
        try stepping("fchownat", destination.inQuotes, advice: advice) { () throws(Errno) in
            if names.isDisjoint(with: ["uid", "gid"]) && (found.userID, found.groupID) != (0, 0) {
                // As the mode: it is clear that of the tmpfs, where its options name one.
                let mode = try FileStatus.of(tmpfs).permissions
                try tmpfs.changeOwner(".", user: found.userID, group: found.groupID)
                try tmpfs.changeMode(".", mode)
            }
            try tmpfs.copyTimes(".", from: below)
        }
    }

    /// A directory of the image and its copy.
    private struct Directory {
        let source: FileDescriptor
        let target: FileDescriptor
        let path: String
        let depth: Int
    }

    private func copyEntries(_ directory: Directory) throws(StepError) {
        if directory.depth > CopyUp.deepest {
            throw StepError("\(directory.path.inQuotes) is nested too deep to be copied")
        }
        let names = try stepping("readdir", directory.path.inQuotes) { () throws(Errno) in
            try directory.source.entries()
        }
        for name in names { try copy(name, directory) }
    }

    private func copy(_ name: String, _ directory: Directory) throws(StepError) {
        let path = "\(directory.path)/\(name)"
        // Looked at by a handle first: opening a device may do something.
        let source = try stepping("openat", path.inQuotes) { () throws(Errno) in
            try directory.source.open(name, .path)
        }
        // What is mounted there is no part of the directory, and is covered with it.
        if source.borrowed.mountID != directory.source.mountID { return }
        let found = try stepping("fstat", path.inQuotes) { () throws(Errno) in
            try FileStatus.of(source.borrowed)
        }
        let target = directory.target
        switch found.kind {
        case .directory:
            let made = try stepping("mkdirat", path.inQuotes, advice: advice) {
                () throws(Errno) in
                try target.makeDirectory(name, mode: 0o700)
                return try target.open(name, [.path, .directory])
            }
            try copyEntries(
                Directory(
                    source: source.borrowed, target: made.borrowed, path: path,
                    depth: directory.depth + 1))
        case .regular:
            try stepping("write", path.inQuotes, advice: advice) { () throws(Errno) in
                let opened = try directory.source.open(
                    name, [.readOnly, .nonBlocking, .noControllingTerminal])
                let now = try FileStatus.of(opened.borrowed)
                // Swapped in between.
                if now.kind != .regular { throw .invalidArgument }
                let made = try target.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
                try made.borrowed.copyData(from: opened.borrowed, size: now.size)
            }
        case .symbolicLink:
            try stepping("symlinkat", path.inQuotes, advice: advice) { () throws(Errno) in
                try target.makeSymbolicLink(name, to: try source.borrowed.linkTarget())
            }
        case .characterDevice, .blockDevice, .fifo, .socket:
            try stepping("mknodat", path.inQuotes, advice: advice) { () throws(Errno) in
                try target.makeNode(
                    name, mode: found.kind.modeBits | 0o600, device: found.deviceNumber)
            }
        }
        try stepping("fchownat", path.inQuotes, advice: advice) { () throws(Errno) in
            try target.changeOwner(name, user: found.userID, group: found.groupID)
            // Last of the two: a change of the owner takes set-id bits away.
            if found.kind != .symbolicLink { try target.changeMode(name, found.permissions) }
            try target.copyTimes(name, from: source.borrowed)
        }
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
