internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// The directory that a kept upper would lie in.
    static let directory = ProbeGroup(
        key: "directory", title: "The directory, for a kept upper (--upper)",
        probes: [
            Probe(
                "file-system", "the file system", for: "kept uppers",
                mend: "name a directory on ext4, xfs, btrfs or tmpfs", look: fileSystem),
            Probe(
                "overlay", "mount an overlay that writes into it", for: "kept uppers",
                mend: "name a directory on ext4, xfs, btrfs or tmpfs", look: overlay),
            Probe(
                "attributes", "extended attributes for overlayfs",
                for: "directories that replace a layer's", look: attributes),
            Probe(
                "whiteouts", "whiteouts: device 0:0, RENAME_WHITEOUT", for: "deleted files",
                look: whiteouts),
            Probe(
                "entry-types", "file types in listings (d_type)", for: "merged listings",
                mend: "mkfs.xfs -n ftype=1, or another file system", look: entryTypes),
            Probe(
                "id-mapped", "id-mapped mounts (MOUNT_ATTR_IDMAP)",
                for: "mounts with uidMappings", since: "5.12", look: idMapped),
        ])

    private static func fileSystem(_ subject: Subject) throws(Failure) -> Finding {
        let place = try attempt(
            "open", on: subject.directory,
            try HostPath.open(subject.directory, [.readOnly, .directory]))
        let magic = try attempt("fstatfs", try FileSystemMagic.of(place.borrowed))
        return Subject.fileSystem(magic, isReadOnly: place.borrowed.isOnReadOnlyFileSystem)
    }

    private static func overlay(_ subject: Subject) throws(Failure) -> Finding {
        let scratch = try Scratch.make(subject)
        try subject.enter(.mount)
        // Opened by its name: the kernel takes no upper from another mount namespace.
        let place = try attempt(
            "open", subject.scratchName,
            try HostPath.open(
                "\(subject.directory)/\(subject.scratchName)", [.readOnly, .directory]))
        _ = scratch.borrowed
        return try subject.tryOverlay(
            inUserNamespace: !subject.isPrivileged, upperIn: place.borrowed)
    }

    private static func attributes(_ subject: Subject) throws(Failure) -> Finding {
        let scratch = try Scratch.make(subject)
        let name = subject.hasTrustedAttributes ? "trusted.overlay.opaque" : "user.overlay.opaque"
        try attempt("fsetxattr", name, try scratch.borrowed.setAttribute(name, "y"))
        return .works(String(name.prefix { $0 != "." }) + ".*")
    }

    private static func whiteouts(_ subject: Subject) throws(Failure) -> Finding {
        let scratch = try Scratch.make(subject)
        let device = FileKind.characterDevice.modeBits
        try attempt(
            "mknod", "0:0",
            try scratch.borrowed.makeNode("gone", mode: device, device: .init(major: 0, minor: 0)))
        _ = try attempt(
            "open", try scratch.borrowed.open("file", [.create, .writeOnly], mode: 0o600))
        try attempt(
            "renameat2", "with RENAME_WHITEOUT",
            try scratch.borrowed.renameLeavingWhiteout("file", to: "renamed"))
        return .works()
    }

    private static func entryTypes(_ subject: Subject) throws(Failure) -> Finding {
        let scratch = try Scratch.make(subject)
        _ = try attempt(
            "open", on: "file",
            try scratch.borrowed.open("file", [.create, .writeOnly], mode: 0o600))
        return try attempt("readdir", try scratch.borrowed.listingTellsKind(of: "file"))
            ? .works() : .lacks("readdir returns no file types")
    }

    private static func idMapped(_ subject: Subject) throws(Failure) -> Finding {
        if !subject.isPrivileged {
            return .untried("needs root in the user namespace that mounted the file system")
        }
        try subject.enter(.mount)
        let tree = try attempt(
            "open_tree", on: subject.directory,
            try DetachedMount.clone(subject.directory, recursive: false))
        let users = try attempt(
            "clone3", "with a user namespace", try UserNamespaceHandle.make())
        do throws(Errno) {
            try tree.mapIDs(by: users.borrowed, recursive: false)
            return .works()
        } catch .invalidArgument {
            return .lacks("this file system does not support id-mapped mounts")
        } catch {
            throw Failure("mount_setattr", "MOUNT_ATTR_IDMAP", error)
        }
    }
}

/// A user namespace without processes.
private enum UserNamespaceHandle {
    static func make() throws(Errno) -> OwnedDescriptor {
        let gate = try Pipe()
        let child = try ChildProcess.spawn(.user) {
            // Until the other end is closed, which happens here too.
            gate.closeWriter()
            _ = try? gate.reader?.receiveBytes(1)
            CurrentProcess.exit(0)
        }
        for map in ["uid_map", "gid_map"] {
            let file = try HostPath.open("/proc/\(child.pid)/\(map)", .writeOnly)
            try file.borrowed.write(all: Array("0 100000 65536".utf8))
        }
        let handle = try HostPath.open("/proc/\(child.pid)/ns/user", .readOnly)
        gate.closeWriter()
        _ = try child.wait()
        return handle
    }
}

/// Verdicts.
extension Subject {
    private static let names: [Int64: String] = [
        0xef53: "ext4", 0x5846_5342: "xfs", 0x9123_683e: "btrfs", 0x0102_1994: "tmpfs",
        0x794c_7630: "overlay", 0x6969: "nfs", 0xf2f5_2010: "f2fs", 0x2fc1_2fc1: "zfs",
        0x6573_5546: "fuse", 0x4d44: "vfat", 0x0102_1997: "9p", 0xe0f5_e1e2: "erofs",
        0x7371_7368: "squashfs", 0x8584_58f6: "ramfs", 0xff53_4d42: "cifs",
    ]

    static func fileSystem(_ magic: FileSystemMagic, isReadOnly: Bool) -> Finding {
        let name = names[magic.rawValue] ?? "0x" + String(magic.rawValue, radix: 16)
        let facts: [(key: String, value: JSONOutput)] = [
            ("type", .string(name)), ("readOnly", .bool(isReadOnly)),
        ]
        if isReadOnly { return .lacks("\(name), read-only", facts: facts) }
        switch name {
        case "overlay":
            return .lacks("overlay: the kernel takes no upper on another overlay", facts: facts)
        case "nfs", "vfat", "9p", "cifs", "erofs", "squashfs":
            return .lacks("\(name), which cannot hold an upper", facts: facts)
        default: return .fact(name, facts: facts)
        }
    }
}
