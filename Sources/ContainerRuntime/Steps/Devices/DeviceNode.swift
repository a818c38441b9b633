internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// A node of the file system.
struct DeviceNode {
    let kind: Spec.Linux.Device.Kind
    let number: DeviceNumber
    /// Permission bits; the umask is 0 while the container is set up.
    let mode: UInt32
    var userID: UInt32 = 0
    var groupID: UInt32 = 0

    /// Makes it. What stands there already must be the same device, or it is an error: a file in
    /// its place would be written to as if it were one.
    func make(_ name: String, in folder: FileDescriptor) throws(StepError) {
        do {
            try folder.makeNode(name, mode: typeBits | mode, device: number)
        } catch .fileExists {
            // It stays whose it is: it may be the host's, in a directory that is bound in.
            return try requireSame(name, in: folder)
        } catch {
            throw StepError(SystemCallError("mknodat", name.inQuotes, error))
        }
        if userID == 0 && groupID == 0 { return }
        try stepping("fchownat", name.inQuotes) { () throws(Errno) in
            try folder.changeOwner(name, user: userID, group: groupID)
        }
    }

    /// Puts the host's device in its place: it is what it is there, its mode and owner too, and
    /// nothing of it is changed.
    func bind(_ source: String, to name: String, in folder: FileDescriptor) throws(StepError) {
        let tree = try stepping(
            "open_tree", source.inQuotes,
            advice: {
                $0 == .noSuchFileOrDirectory
                    ? "devices cannot be made in a user namespace, and the host has none of this"
                        + " name" : nil
            }
        ) { () throws(Errno) in
            try DetachedMount.clone(source, recursive: false)
        }
        let found = try stepping("fstat", source.inQuotes) { () throws(Errno) in
            try FileStatus.of(tree.borrowed)
        }
        if found.kind != fileKind || found.deviceNumber != number {
            throw StepError(
                "devices cannot be made in a user namespace, and the host's \(source.inQuotes) is"
                    + " another than \(number)")
        }
        do throws(Errno) {
            _ = try folder.open(name, [.create, .exclusive, .writeOnly], mode: 0o644)
        } catch .fileExists {
            let there = try stepping("fstatat", name.inQuotes) { () throws(Errno) in
                try FileStatus.of(name, in: folder)
            }
            if there.kind != .regular || there.size > 0 { return try requireSame(name, in: folder) }
        } catch {
            throw StepError(SystemCallError("openat", name.inQuotes, error))
        }
        try stepping("move_mount", name.inQuotes) { () throws(Errno) in
            let place = try folder.open(name, .path)
            try tree.attach(to: place.borrowed)
        }
    }

    private func requireSame(_ name: String, in folder: FileDescriptor) throws(StepError) {
        let found = try stepping("fstatat", name.inQuotes) { () throws(Errno) in
            try FileStatus.of(name, in: folder)
        }
        if found.kind != fileKind || (kind != .fifo && found.deviceNumber != number) {
            throw StepError("\"\(name)\" exists in the root file system and is something else")
        }
    }

    private var fileKind: FileKind {
        switch kind {
        case .character, .unbuffered: .characterDevice
        case .block: .blockDevice
        case .fifo: .fifo
        }
    }

    /// `S_IFCHR`, `S_IFBLK`, `S_IFIFO`.
    private var typeBits: UInt32 {
        switch kind {
        case .character, .unbuffered: 0o020_000
        case .block: 0o060_000
        case .fifo: 0o010_000
        }
    }
}
