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
    func make(_ name: String, in folder: FileDescriptor) throws(Failure) {
        do {
            try folder.makeNode(name, mode: typeBits | mode, device: number)
        } catch .fileExists {
            // It stays whose it is: it may be the host's, in a directory that is bound in.
            return try requireSame(name, in: folder)
        } catch {
            throw Failure("mknodat", name.inQuotes, error)
        }
        if userID == 0 && groupID == 0 { return }
        try attempt(
            "fchownat", on: name, try folder.changeOwner(name, user: userID, group: groupID))
    }

    /// Puts the host's device in its place: it is what it is there, its mode and owner too, and
    /// nothing of it is changed.
    ///
    /// - Parameter source: Its likely path on the host; the kernel knows others by the number.
    func bind(_ source: String, to name: String, in folder: FileDescriptor) throws(Failure) {
        let tree = try hosts(source)
        do throws(Errno) {
            _ = try folder.open(name, [.create, .exclusive, .writeOnly], mode: 0o644)
        } catch .fileExists {
            let there = try attempt("fstatat", on: name, try FileStatus.of(name, in: folder))
            if there.kind != .regular || there.size > 0 { return try requireSame(name, in: folder) }
        } catch {
            throw Failure("openat", name.inQuotes, error)
        }
        let place = try attempt("openat", on: name, try folder.open(name, .path))
        try attempt("move_mount", on: name, try tree.attach(to: place.borrowed))
    }

    private func hosts(_ source: String) throws(Failure) -> DetachedMount {
        let name = number.kernelName(isBlock: fileKind == .blockDevice)
        for place in [source, name].compactMap(\.self) {
            do throws(Errno) {
                let tree = try DetachedMount.clone(place, recursive: false)
                let found = try FileStatus.of(tree.borrowed)
                if found.kind == fileKind && found.deviceNumber == number { return tree }
            } catch .noSuchFileOrDirectory, .notDirectory {
                continue
            } catch {
                throw Failure("open_tree", place.inQuotes, error)
            }
        }
        throw Failure(
            "a user namespace cannot make devices, and the host has no device \(number), neither at"
                + " \(source.inQuotes) nor under the name that the kernel gives it")
    }

    private func requireSame(_ name: String, in folder: FileDescriptor) throws(Failure) {
        let found = try attempt("fstatat", on: name, try FileStatus.of(name, in: folder))
        if found.kind != fileKind || (kind != .fifo && found.deviceNumber != number) {
            throw Failure("\"\(name)\" exists in the root file system and is something else")
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
