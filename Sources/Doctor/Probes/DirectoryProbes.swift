internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// The directory that a kept upper would lie in.
    static let directory = ProbeGroup(
        key: "directory", title: "The directory, for a kept upper (--upper)",
        probes: [
            Probe(
                "file-system", "what it is on", for: "kept uppers",
                mend: "name a directory on ext4, xfs, btrfs or tmpfs", look: fileSystem),
            Probe(
                "overlay", "mount an overlay that writes into it", for: "kept uppers",
                mend: "name a directory on ext4, xfs, btrfs or tmpfs", look: overlay),
            Probe(
                "attributes", "the attributes that overlayfs keeps notes in",
                for: "directories that replace a layer's", look: attributes),
            Probe(
                "whiteouts", "device 0:0, and renaming that leaves one", for: "deleted files",
                look: whiteouts),
            Probe(
                "entry-types", "listing tells what is a directory (d_type)", for: "merged listings",
                mend: "mkfs.xfs -n ftype=1, or another file system", look: entryTypes),
            Probe(
                "id-mapped", "show its files to other users (MOUNT_ATTR_IDMAP)",
                for: "mounts with uidMappings", since: "5.12", look: idMapped),
        ])

    private static func fileSystem(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let place = try trying("open", "\"\(subject.directory)\"") { () throws(Errno) in
            try HostPath.open(subject.directory, [.readOnly, .directory])
        }
        let magic = try trying("fstatfs") { () throws(Errno) in
            try FileSystemMagic.of(place.borrowed)
        }
        return Subject.fileSystem(magic, isReadOnly: place.borrowed.isOnReadOnlyFileSystem)
    }

    private static func overlay(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let scratch = try Scratch.make(subject)
        try subject.enter(.mount)
        // Opened by its name: the kernel takes no upper from another mount namespace.
        let place = try trying("open", subject.scratchName) { () throws(Errno) in
            try HostPath.open(
                "\(subject.directory)/\(subject.scratchName)", [.readOnly, .directory])
        }
        _ = scratch.borrowed
        return try subject.tryOverlay(
            inUserNamespace: !subject.isPrivileged, upperIn: place.borrowed)
    }

    private static func attributes(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let scratch = try Scratch.make(subject)
        let name = subject.hasTrustedAttributes ? "trusted.overlay.opaque" : "user.overlay.opaque"
        try trying("fsetxattr", name) { () throws(Errno) in
            try scratch.borrowed.setAttribute(name, "y")
        }
        return .works(String(name.prefix { $0 != "." }) + ".*")
    }

    private static func whiteouts(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let scratch = try Scratch.make(subject)
        let device = FileKind.characterDevice.modeBits
        try trying("mknod", "0:0") { () throws(Errno) in
            try scratch.borrowed.makeNode("gone", mode: device, device: .init(major: 0, minor: 0))
        }
        _ = try trying("open") { () throws(Errno) in
            try scratch.borrowed.open("file", [.create, .writeOnly], mode: 0o600)
        }
        try trying("renameat2", "with RENAME_WHITEOUT") { () throws(Errno) in
            try scratch.borrowed.renameLeavingWhiteout("file", to: "renamed")
        }
        return .works()
    }

    private static func entryTypes(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let scratch = try Scratch.make(subject)
        let tells = try trying("readdir") { () throws(Errno) in
            _ = try scratch.borrowed.open("file", [.create, .writeOnly], mode: 0o600)
            return try scratch.borrowed.listingTellsKind(of: "file")
        }
        return tells ? .works() : .lacks("listing a directory tells no kinds")
    }

    private static func idMapped(_ subject: Subject) throws(ProbeFailure) -> Finding {
        if !subject.isPrivileged {
            return .untried("takes root of the user namespace that mounted the file system")
        }
        try subject.enter(.mount)
        let tree = try trying("open_tree", "\"\(subject.directory)\"") { () throws(Errno) in
            try DetachedMount.clone(subject.directory, recursive: false)
        }
        let users = try UserNamespaceHandle.make(subject)
        do throws(Errno) {
            try tree.mapIDs(by: users.borrowed, recursive: false)
            return .works()
        } catch .invalidArgument {
            return .lacks("this file system's mounts cannot be mapped")
        } catch {
            throw ProbeFailure(Failure("mount_setattr", "MOUNT_ATTR_IDMAP", error))
        }
    }
}

/// A user namespace that nobody is in.
private enum UserNamespaceHandle {
    static func make(_ subject: Subject) throws(ProbeFailure) -> OwnedDescriptor {
        try trying("clone3", "with a user namespace") { () throws(Errno) in
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
            return .lacks("overlay: no upper may lie on another overlay", facts: facts)
        case "nfs", "vfat", "9p", "cifs", "erofs", "squashfs":
            return .lacks("\(name), which cannot hold a writable layer", facts: facts)
        default: return .fact(name, facts: facts)
        }
    }
}
