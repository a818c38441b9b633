internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// The options of `checkpoint` and `restore`.
extension Option {
    static let imagePath = Option(
        "image-path", value: "DIR", completes: .directories,
        "the directory of the images; default: checkpoint")
    static let workPath = Option(
        "work-path", value: "DIR", completes: .directories,
        "the directory of criu's log; default: that of the images")
    static let parentPath = Option(
        "parent-path", value: "DIR", completes: .directories,
        "earlier images of --pre-dump, relative to the directory of the images")
    static let leaveRunning = Option(
        "leave-running", "the container goes on after the checkpoint")
    static let keepConnections = Option(
        "tcp-established", "include established TCP connections")
    static let skipInFlight = Option(
        "tcp-skip-in-flight", "leave out TCP connections that are being made")
    static let linkRemap = Option(
        "link-remap", "give deleted files that are open a name while they are saved")
    static let keepUnixSockets = Option(
        "ext-unix-sk", "allow connections to unix sockets outside of the container")
    static let shellJob = Option(
        "shell-job", "allow a process group and a terminal of the caller's")
    static let lazyPages = Option(
        "lazy-pages", "copy memory only when the restored process uses it (userfaultfd)")
    static let statusDescriptor = Option(
        "status-fd", value: "FD",
        "write a zero byte to this file descriptor when --lazy-pages is ready")
    static let pageServer = Option(
        "page-server", value: "ADDRESS:PORT", "send memory to, or offer it at, this address")
    static let fileLocks = Option("file-locks", "include locks on files")
    static let preDump = Option(
        "pre-dump", "save memory only; the container goes on")
    static let controlGroupsMode = Option(
        "manage-cgroups-mode", value: "MODE",
        completes: .words(["soft", "full", "strict", "ignore"]),
        "how criu treats control groups: soft, full, strict or ignore; default: soft")
    static let emptyNamespace = Option(
        "empty-ns", value: "TYPE", completes: .words(["network"]),
        "accepted for compatibility; a network namespace is made anew in any case")
    static let autoDedup = Option(
        "auto-dedup", "remove memory from earlier images that later ones have")
    static let criuPath = Option(
        "criu", value: "PATH", "ignored, as runc does; criu is found in the PATH")
    static let labelProfile = Option(
        "lsm-profile", value: "TYPE:NAME", "another profile of the security module")
    static let labelMounts = Option(
        "lsm-mount-context", value: "CONTEXT", "another SELinux context of mounts")

    /// Those of both commands.
    static let imaging = [
        imagePath, workPath, keepConnections, keepUnixSockets, shellJob, lazyPages, fileLocks,
        controlGroupsMode, emptyNamespace, autoDedup, criuPath,
    ]
}

extension CheckpointOptions {
    /// Reads those that the command has.
    init(_ arguments: ParsedArguments) throws(Failure) {
        let path = arguments.value(.imagePath) ?? ""
        self.init(imagePath: try LoadedConfig.absolute(path.isEmpty ? "checkpoint" : path))
        if arguments.value(.workPath)?.isEmpty == false {
            workPath = try arguments.path(.workPath)
        }
        keepsConnections = arguments.has(.keepConnections)
        keepsUnixSockets = arguments.has(.keepUnixSockets)
        isShellJob = arguments.has(.shellJob)
        isLazy = arguments.has(.lazyPages)
        keepsLocks = arguments.has(.fileLocks)
        deduplicates = arguments.has(.autoDedup)
        let mode = arguments.value(.controlGroupsMode) ?? ""
        guard let controlGroups = ControlGroupMode(mode) else {
            throw Failure(
                "--manage-cgroups-mode: \(mode.inQuotes) is not soft, full, strict or ignore")
        }
        self.controlGroups = controlGroups
        for type in arguments.values(.emptyNamespace) where type != "network" {
            throw Failure("--empty-ns: the type \(type.inQuotes) is not supported; use network")
        }
    }

    /// Those of `checkpoint` alone.
    mutating func readDump(_ arguments: ParsedArguments) throws(Failure) {
        leavesRunning = arguments.has(.leaveRunning)
        skipsInFlight = arguments.has(.skipInFlight)
        linksRemoved = arguments.has(.linkRemap)
        isPreDump = arguments.has(.preDump)
        if let path = arguments.value(.parentPath), !path.isEmpty {
            if path.hasPrefix("/") { throw Failure("--parent-path must be relative") }
            parentPath = path
        }
        if let text = arguments.value(.statusDescriptor) {
            guard let number = CInt(text), number >= 0,
                FileDescriptor(rawValue: number).isInherited
            else { throw Failure("invalid --status-fd argument \(text): it is not open") }
            statusDescriptor = number
        }
        guard let text = arguments.value(.pageServer), !text.isEmpty else { return }
        let wrong = Failure("--page-server: \(text.inQuotes) is not ADDRESS:PORT")
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw wrong }
        var address = String(text[..<colon])
        if address.hasPrefix("["), address.hasSuffix("]") {
            address = String(address.dropFirst().dropLast())
        }
        pageServer = (address, port)
    }

    /// Those of `restore` alone.
    mutating func readRestore(_ arguments: ParsedArguments) {
        label = arguments.value(.labelProfile).flatMap { $0.isEmpty ? nil : $0 }
        mountLabel = arguments.value(.labelMounts).flatMap { $0.isEmpty ? nil : $0 }
    }
}
