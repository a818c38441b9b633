internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The devices and links that every container has ("Default Devices" of the specification).
struct MakeDefaultDevices: Step {
    /// The host's are bound, where none may be made.
    var binds = false

    let side = Side.container
    var summary: String {
        "\(binds ? "bind" : "make") the default devices: null, zero, full, random, urandom, tty, ptmx"
    }

    /// Numbers: the kernel's Documentation/admin-guide/devices.txt.
    private static let devices: [(name: String, minor: UInt32, major: UInt32)] = [
        ("null", 3, 1), ("zero", 5, 1), ("full", 7, 1), ("random", 8, 1), ("urandom", 9, 1),
        ("tty", 0, 5),
    ]
    private static let links = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ]

    func apply(_ context: StartContext) throws(StepError) {
        let place = try context.place("/dev")
        // A link in its place would lead the devices elsewhere (CVE-2026-41579, CVE-2026-47766).
        let folder = try stepping(
            "openat2", "\"/dev\"",
            advice: {
                $0 == .tooManySymbolicLinkLevels
                    ? "it must be a directory and no symbolic link" : nil
            }
        ) { () throws(Errno) in
            try place.makeDirectories(links: .refuse)
        }
        for device in MakeDefaultDevices.devices {
            let number = DeviceNumber(major: device.major, minor: device.minor)
            let node = DeviceNode(kind: .character, number: number, mode: 0o666)
            if binds {
                try node.bind("/dev/\(device.name)", to: device.name, in: folder.borrowed)
            } else {
                try node.make(device.name, in: folder.borrowed)
            }
        }
        for (name, target) in MakeDefaultDevices.links {
            do {
                try folder.borrowed.makeSymbolicLink(name, to: target)
            } catch .fileExists {
                // The image's own.
            } catch {
                throw StepError(SystemCallError("symlinkat", "/dev/\(name)".inQuotes, error))
            }
        }
    }
}

/// A device of `linux.devices`, anywhere in the tree.
struct MakeDevice: Step {
    let device: Configuration.Device
    /// The host's of that path is bound, where none may be made.
    var binds = false

    let side = Side.container
    var summary: String {
        let mode = String(device.mode, radix: 8)
        let number = device.kind == .fifo ? "" : " \(device.number)"
        return
            "\(binds && device.kind != .fifo ? "bind" : "make") the device \(device.path) (\(device.kind.rawValue)\(number), 0\(mode))"
    }

    func apply(_ context: StartContext) throws(StepError) {
        let place = try context.place(device.path)
        let parent = try stepping(
            "openat2", device.path.inQuotes,
            advice: { $0 == .fileNameTooLong ? LinkPolicy.tooLong : nil }
        ) { () throws(Errno) in
            try place.makeParent()
        }
        var node = DeviceNode(kind: device.kind, number: device.number, mode: device.mode)
        node.userID = device.userID
        node.groupID = device.groupID
        if binds && device.kind != .fifo {
            try node.bind(device.path, to: parent.name, in: parent.directory.borrowed)
        } else {
            try node.make(parent.name, in: parent.directory.borrowed)
        }
    }
}

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

/// A pseudoterminal of the container's own devpts. Its far end goes to the runtime process, its
/// near end becomes `/dev/console` and the standard streams.
struct OpenTerminal: Step {
    let size: TerminalSize?
    /// Who gets it: a program opens its terminal anew by name.
    let userID: UInt32
    /// Whether it is the container's console, `/dev/console`.
    var isConsole = true

    let side = Side.container
    var summary: String {
        "open a terminal" + (isConsole ? " as /dev/console" : "")
            + (size.map { " (\($0.columns)x\($0.rows))" } ?? "")
    }

    func apply(_ context: StartContext) throws(StepError) {
        let place = try context.place("/dev/pts/ptmx")
        // By descriptor all the way, and verified: a name in /dev could be another file by now
        // (CVE-2025-52565, CVE-2026-88264).
        let multiplexer = try stepping("openat2", "\"/dev/pts/ptmx\"") { () throws(Errno) in
            try place.open([.readWrite, .noControllingTerminal], links: .refuse)
        }
        let isGenuine = try stepping("fstat", "\"/dev/pts/ptmx\"") { () throws(Errno) in
            let status = try FileStatus.of(multiplexer.borrowed)
            return try FileSystemMagic.of(multiplexer.borrowed) == .devpts
                && status.kind == .characterDevice
                && status.deviceNumber == .pseudoterminalMultiplexer
        }
        if !isGenuine { throw StepError("\"/dev/pts/ptmx\" is not the devpts of this container") }
        let peer = try stepping("ioctl", "TIOCGPTPEER") { () throws(Errno) in
            if let size = context.callerSize ?? size {
                try multiplexer.borrowed.setTerminalSize(size)
            }
            let peer = try multiplexer.borrowed.openPeer()
            try peer.borrowed.changeOwner(user: userID)
            try peer.borrowed.keepLineEnds()
            return peer
        }
        if isConsole {
            let place = try context.place("/dev/console")
            let console = try stepping("openat2", "\"/dev/console\"") { () throws(Errno) in
                try place.makeFile(links: .refuse)
            }
            try stepping("mount", "\"/dev/console\"") { () throws(Errno) in
                let tree = try DetachedMount.clone(peer.borrowed, recursive: false)
                try tree.attach(to: console.borrowed)
            }
        }
        try stepping("sendmsg", "the terminal") { () throws(Errno) in
            try context.channel?.channel.send(
                InitMessage.terminal.encoded, passing: multiplexer.borrowed)
        }
        context.terminalPeer = HeldDescriptor(peer)
    }
}
