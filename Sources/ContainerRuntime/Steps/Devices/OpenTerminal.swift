internal import LinuxSystem
internal import SystemPackage

/// `process.terminal`: a pseudoterminal of the container's own devpts.
struct OpenTerminal: ContainerStep {
    static let manual = StepManual(
        "open the terminal",
        what: """
            Opens a pseudoterminal of the container's own devpts. Its near end becomes \
            /dev/console and the standard streams; its far end goes to the runtime process, which \
            carries the bytes.
            """,
        why: """
            After the container's devpts is mounted. The multiplexer is opened by descriptor and \
            verified.
            """,
        calls: "openat2, ioctl, open_tree, move_mount, sendmsg")

    let size: TerminalSize?
    /// Who gets it: a program opens its terminal anew by name.
    let userID: UInt32
    /// Whether it is the container's console, `/dev/console`.
    var isConsole = true

    var summary: String {
        "open a terminal" + (isConsole ? " as /dev/console" : "")
            + (size.map { " (\($0.columns)x\($0.rows))" } ?? "")
    }
    var needs: Provisions { [.root, .channel] }
    var gives: Provisions { [.terminal] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let multiplexer = try openMultiplexer(context)
        if let size = context.handover.callerSize ?? size {
            try attempt("ioctl", "TIOCSWINSZ", try multiplexer.borrowed.setTerminalSize(size))
        }
        let peer = try attempt("ioctl", "TIOCGPTPEER", try multiplexer.borrowed.openPeer())
        let magic = try attempt(
            "fstatfs", "of the terminal", try FileSystemMagic.of(peer.borrowed))
        if magic != .devpts { throw Failure("the terminal is in no devpts") }
        try attempt("fchown", "of the terminal", try peer.borrowed.changeOwner(user: userID))
        try attempt("ioctl", "of the terminal", try peer.borrowed.keepLineEnds())
        if isConsole {
            let place = try context.place("/dev/console")
            let console = try attempt(
                "openat2", on: "/dev/console", try place.makeFile(links: .refuse))
            let tree = try attempt(
                "open_tree", on: "/dev/console",
                try DetachedMount.clone(peer.borrowed, recursive: false))
            try attempt("move_mount", on: "/dev/console", try tree.attach(to: console.borrowed))
        }
        let held = try context.channel.given(.channel)
        try attempt(
            "sendmsg", "the terminal",
            try held.channel.send(
                InitMessage.terminal.encoded, passing: multiplexer.borrowed))
        context.terminal = HeldDescriptor(peer)
    }

    /// By descriptor all the way, and verified: a name in /dev could be another file by now
    /// (CVE-2025-52565, CVE-2026-88264).
    private func openMultiplexer(_ context: ContainerContext) throws(Failure) -> HeldDescriptor {
        let path = "/dev/pts/ptmx"
        let place = try context.place(path)
        let opened: HeldDescriptor
        do throws(Errno) {
            opened = HeldDescriptor(
                try place.open([.readWrite, .noControllingTerminal], links: .refuse))
        } catch {
            // That of a host, in a /dev that is bound in, is nobody's; its /dev/ptmx is everybody's.
            if error == .permissionDenied, let found = try openHosts(context) { return found }
            throw Failure(
                "openat2", path.inQuotes, error,
                advice: error == .noSuchFileOrDirectory
                    ? "what is mounted on /dev has no devpts on pts; bind it with \"rbind\", or add a"
                        + " mount of type \"devpts\" on /dev/pts" : nil)
        }
        let magic = try attempt("fstatfs", on: path, try FileSystemMagic.of(opened.borrowed))
        guard magic == .devpts, try isMultiplexer(opened.borrowed, path) else {
            throw Failure("\"/dev/pts/ptmx\" is not the devpts of this container")
        }
        return opened
    }

    private func openHosts(_ context: ContainerContext) throws(Failure) -> HeldDescriptor? {
        let path = "/dev/ptmx"
        let place = try context.place(path)
        func open() throws(Errno) -> HeldDescriptor {
            HeldDescriptor(try place.open([.readWrite, .noControllingTerminal], links: .refuse))
        }
        let opened = try attempt("openat2", on: path, try open())
        return try isMultiplexer(opened.borrowed, path) ? opened : nil
    }

    private func isMultiplexer(_ file: FileDescriptor, _ path: String) throws(Failure) -> Bool {
        let status = try attempt("fstat", on: path, try FileStatus.of(file))
        return status.kind == .characterDevice && status.deviceNumber == .pseudoterminalMultiplexer
    }
}
