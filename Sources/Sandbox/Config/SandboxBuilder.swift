internal import ContainerRuntime
public import JSON
public import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// Writes the config.json of a sandbox.
public struct SandboxBuilder {
    let request: SandboxRequest
    let host: SandboxHost
    /// Of the base.
    private let names: BaseNames

    public init(_ request: SandboxRequest, _ host: SandboxHost) {
        self.request = request
        self.host = host
        names = BaseNames(request.base, host)
    }

    /// Where what is written is kept.
    public struct Place: Sendable {
        /// Of the sandbox, absolute.
        public var directory: String
        /// Those of earlier runs.
        public var trees: [KeptSandbox.Tree]

        public init(directory: String, trees: [KeptSandbox.Tree]) {
            (self.directory, self.trees) = (directory, trees)
        }
    }

    /// Whether the program gets a range of ids of its own: of root, where every file system that it
    /// sees in writing knows id-mapped mounts.
    public var takesRange: Bool {
        host.privilege == .full && unmappable == nil
    }

    /// A directory on a file system that does not know id-mapped mounts.
    private var unmappable: String? {
        var paths: [String] = showsWorkingDirectory ? [host.workingDirectory] : []
        for volume in request.volumes {
            switch volume.kind {
            case .bind(let source, let isReadOnly) where !isReadOnly: paths.append(source)
            case .copyOnWrite(let source): paths.append(source)
            case .bind, .tmpfs: break
            }
        }
        switch request.base {
        case .system: break
        case .everything: if !host.mapsItsIDs("/") { return "/" }
        case .layers(let layers, _): paths += layers
        case .box(let mounts): paths += mounts.compactMap(\.writableSource)
        }
        return paths.first { !host.mayMapIDs($0) }
    }

    /// The config, and what it takes to run it.
    public struct Product: Sendable {
        /// config.json, each value with the words of the command line that it comes from.
        public var config: JSONOutput
        public var warnings: [String]
        /// The trees of a kept sandbox; those that are new have no time yet.
        public var trees: [KeptSandbox.Tree]
    }

    /// - Parameters:
    ///   - range: The ids of the sandbox, where it has a range of its own.
    ///   - place: Nil: what is written is discarded.
    public func product(range: IDMappings?, in place: Place?) throws(Failure) -> Product {
        if showsWorkingDirectory {
            try WorkingDirectory.require(host.workingDirectory, host)
        }
        let user = try SandboxUser(request.user, names, host, range: range)
        var layout = SandboxLayout(request, host, user, place)
        try layout.arrange(showsWorkingDirectory: showsWorkingDirectory)
        if host.privilege == .full, let path = unmappable {
            layout.warnings.append(
                "\(path.inQuotes) is on a file system that does not know id-mapped mounts: the program"
                    + " has root's own id")
        }
        if !host.hasLandlock {
            layout.warnings.append(
                "this kernel has no Landlock, or not its second version: the mounts alone confine the"
                    + " program's access to files")
        }
        let json = try json(layout, user)
        return Product(config: json, warnings: layout.warnings, trees: layout.kept)
    }

    /// Whether the caller's working directory is shown: not where another one outside of it is named,
    /// and not where a volume takes its place.
    private var showsWorkingDirectory: Bool {
        let own = host.workingDirectory
        if request.volumes.contains(where: { $0.destination == own }) { return false }
        if case .box = request.base { return false }
        guard let named = request.workingDirectory else { return true }
        // Everything lies in the root, which is refused as a working directory.
        return named == own || own != "/" && named.lies(below: own)
    }

    // MARK: The document

    private func json(_ layout: SandboxLayout, _ user: SandboxUser) throws(Failure) -> JSONOutput {
        // What no word asks for.
        .sourced(
            "",
            .object([
                ("ociVersion", .string(Spec.versions.newest)),
                ("process", try process(layout, user)),
                (
                    "root",
                    [
                        "path": .string(layout.rootPath),
                        "readonly": .bool(layout.isRootReadOnly),
                    ]
                ),
                ("hostname", sourced("hostname", .string(request.hostname ?? "sandbox"))),
                ("mounts", .array(layout.mounts.map(\.output))),
                ("linux", linux(user)),
                ("vfs", vfs(layout)),
            ]))
    }

    /// With the words of options, where they are given.
    private func sourced(_ options: String..., value: JSONOutput) -> JSONOutput {
        let words = options.compactMap { request.words[$0] }
        return words.isEmpty ? value : .sourced(words.joined(separator: " "), value)
    }

    private func sourced(_ option: String, _ value: JSONOutput) -> JSONOutput {
        sourced(option, value: value)
    }

    private func process(
        _ layout: SandboxLayout, _ user: SandboxUser
    ) throws(Failure) -> JSONOutput {
        let capabilities = JSONOutput.strings(
            try ProgramCapabilities.names(
                isRoot: user.isRoot, adding: request.addedCapabilities,
                dropping: request.droppedCapabilities))
        var members: [(key: String, value: JSONOutput)] = [
            ("terminal", .bool(request.mayHaveTerminal)),
            (
                "user",
                [
                    "uid": .unsigned(UInt64(user.userID)),
                    "gid": .unsigned(UInt64(user.groupID)),
                    "umask": .unsigned(UInt64(host.fileModeMask)),
                ]
            ),
            ("args", .strings(request.arguments)),
            ("env", .strings(environment(user))),
            (
                "cwd",
                sourced("workdir", .string(request.workingDirectory ?? layout.workingDirectory))
            ),
        ]
        // Those of another user than root pass to a program as ambient ones alone.
        let sets =
            ["bounding", "effective", "permitted"]
            + (user.userID == 0 ? [] : ["inheritable", "ambient"])
        members.append(("capabilities", .object(sets.map { ($0, capabilities) })))
        members.append(("rlimits", .array(processLimits)))
        members.append(("noNewPrivileges", true))
        return .object(members)
    }

    private var processLimits: [JSONOutput] {
        var limits: [(name: String, soft: UInt64, hard: UInt64, words: String)] = [
            ("RLIMIT_CORE", 0, 0, ""), ("RLIMIT_NOFILE", host.openFiles, host.openFiles, ""),
        ]
        for limit in request.processLimits {
            limits.removeAll { $0.name == limit.name }
            limits.append(limit)
        }
        return limits.map {
            .sourced(
                $0.words,
                ["type": .string($0.name), "soft": .unsigned($0.soft), "hard": .unsigned($0.hard)])
        }
    }

    private func environment(_ user: SandboxUser) -> [String] {
        if request.hasBareEnvironment { return request.environment }
        var entries = [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=\(host.language ?? "C.UTF-8")",
        ]
        if let terminal = host.terminal { entries.append("TERM=\(terminal)") }
        if case .layers = request.base {} else { entries.append("HOME=\(home(user))") }
        if case .layers(_, let own) = request.base { entries += own }
        entries += request.environment
        return entries
    }

    private func home(_ user: SandboxUser) -> String { user.home(host, names.passwd) }

    private func linux(_ user: SandboxUser) -> JSONOutput {
        let kinds =
            ["pid", "ipc", "uts", "mount", "cgroup", "user"]
            + (request.hasOwnNetwork ? ["network"] : [])
        var members: [(key: String, value: JSONOutput)] = [
            ("namespaces", .array(kinds.map { ["type": .string($0)] })),
            ("uidMappings", user.mappings.users.output),
            ("gidMappings", user.mappings.groups.output),
        ]
        if let resources { members.append(("resources", resources)) }
        members.append(("maskedPaths", .strings(SandboxBuilder.masked)))
        members.append(("readonlyPaths", .strings(SandboxBuilder.readOnly)))
        return .object(members)
    }

    private static let masked = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi",
    ]

    private static let readOnly = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]

    private var resources: JSONOutput? {
        var groups: [(key: String, value: JSONOutput)] = []
        var cpu: [(key: String, value: JSONOutput)] = []
        if let thousandths = request.processors {
            cpu.append(("quota", .unsigned(thousandths * 100)))
            cpu.append(("period", .unsigned(100_000)))
        }
        if let set = request.processorSet {
            cpu.append(("cpus", sourced("cpuset-cpus", .string(set))))
        }
        if !cpu.isEmpty { groups.append(("cpu", .object(cpu))) }
        var memory: [(key: String, value: JSONOutput)] = []
        if let limit = request.memory {
            memory.append(("limit", sourced("memory-swap", .integer(limit))))
        }
        if let swap = request.memoryAndSwap {
            memory.append(("swap", sourced("memory-swap", .integer(swap))))
        }
        if !memory.isEmpty { groups.append(("memory", .object(memory))) }
        if groups.isEmpty { return nil }
        return sourced("cpus", "cpuset-cpus", "memory-swap", value: .object(groups))
    }

    private func vfs(_ layout: SandboxLayout) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [("overlay", layout.overlay)]
        if !layout.trees.isEmpty {
            members.append(("copyOnWrite", .array(layout.trees.map(\.output))))
        }
        if !layout.files.isEmpty {
            members.append(("files", .array(layout.files.map(\.output))))
        }
        members.append(("network", sourced("network", request.network.output)))
        if request.workingDirectory != nil { members.append(("makeCwd", false)) }
        members.append(("init", true))
        members.append(("seccomp", "strict"))
        if host.hasLandlock { members.append(("landlock", true)) }
        if !request.limits.isEmpty {
            var limits = request.limits.map { (key: $0.key, value: SandboxBuilder.limit($0)) }
            if !request.bestEffort.isEmpty {
                limits.append(("bestEffort", .strings(request.bestEffort)))
            }
            members.append(("limits", .object(limits)))
        }
        return .object(members)
    }

    private static func limit(_ limit: (key: String, text: String, words: String)) -> JSONOutput {
        .sourced(
            limit.words,
            limit.key == "pids"
                ? UInt64(limit.text).map(JSONOutput.unsigned) ?? .string(limit.text)
                : .string(limit.text))
    }
}

extension SandboxHost {
    /// Whether the file system of a path, and of each mount below it, knows id-mapped mounts.
    func mapsIDs(_ path: String) -> Bool {
        mapsItsIDs(path) && mounts.below(path).allSatisfy(mapsIDs)
    }

    /// The same, where files of the kernel alone may not: they have no owner to be mapped.
    func mayMapIDs(_ path: String) -> Bool {
        let all = [mounts.around(path)].compactMap { $0 } + mounts.below(path)
        return all.allSatisfy { $0.isVirtual || mapsIDs($0) }
    }

    /// The option that shows a bind mount of a path with the ids of the sandbox. Files of other mounts
    /// below it belong to nobody inside.
    func mapping(_ path: String) -> String? {
        mapsIDs(path) ? "ridmap" : mapsItsIDs(path) ? "idmap" : nil
    }

    /// The same of the path alone.
    func mapsItsIDs(_ path: String) -> Bool { mounts.around(path).map(mapsIDs) ?? false }

    func mapsIDs(_ mount: MountTable.Entry) -> Bool {
        mount.type == "tmpfs"
            ? KernelProbe.tmpfsTakesUserAttributes : SandboxHost.mappable.contains(mount.type)
    }

    /// Those that have known it before the oldest kernel with long support that is in use.
    private static let mappable: Set<String> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "msdos", "exfat", "squashfs",
        "erofs",
    ]
}
