internal import LinuxSystem
internal import SystemPackage

/// `process.terminal`: a pseudoterminal of the container's own devpts.
struct OpenTerminal: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "open the terminal",
            what: """
                Opens a pseudoterminal of the container's own devpts. Its near end becomes \
                /dev/console and the standard streams; its far end goes to the runtime process, \
                which carries the bytes.
                """,
            why: """
                After the container's devpts is mounted. The multiplexer is opened by descriptor \
                and verified.
                """,
            calls: "openat2, ioctl, open_tree, move_mount, sendmsg")
    }

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

    func apply(_ context: ContainerContext) throws(StepError) {
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
            if let size = context.handover.callerSize ?? size {
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
        let held = try context.channel.given(.channel)
        try stepping("sendmsg", "the terminal") { () throws(Errno) in
            try held.channel.send(
                InitMessage.terminal.encoded, passing: multiplexer.borrowed)
        }
        context.terminal = HeldDescriptor(peer)
    }
}
