internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec

/// The config.json of `vfs-run spec`, and that of images.
enum DefaultConfig {
    private enum Kind { case template, image, oneShot }

    /// What an image's own config is put into: its root is for writing.
    static var json: JSONOutput { json(nil, .image) }

    /// As runc's: the root is read-only, and where cgroups of version 1 are mounted programs find
    /// theirs by its path on the host.
    ///
    /// - Parameter user: The caller of a rootless container; nil for root.
    static func template(for user: RootlessUser?) -> JSONOutput { json(user, .template) }

    /// The same for `vfs-run config.json` with an untrusted program: with limits, and with host ids of
    /// its own. Without root privileges, unavailable ones are left out at the start.
    static var oneShot: JSONOutput { json(nil, .oneShot) }

    private static func json(_ user: RootlessUser?, _ kind: Kind) -> JSONOutput {
        let isOneShot = kind == .oneShot
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", .string(Spec.versions.newest)),
            ("process", process(isOneShot)),
            ("root", ["path": "rootfs", "readonly": .bool(kind == .template)]),
            ("hostname", "vfs-run"),
            ("mounts", .array(mounts(hasTerminalGroup: user == nil))),
            ("linux", linux(user, kind)),
        ]
        if isOneShot {
            members.append(("vfs", ["overlay": ["size": "256M"], "rootless": "adapt"]))
        }
        return .object(members)
    }

    /// Above the ids that systemd assigns to containers (524288 to 1879048191) and the usual ones of
    /// /etc/subuid, below the maximum of a signed 32-bit number.
    private static let ownIDs = IDMap([IDRange(inside: 0, outside: 1_879_048_192, count: 65536)])

    private static func process(_ isOneShot: Bool) -> JSONOutput {
        let capabilities: JSONOutput = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        var limits = [limit("RLIMIT_NOFILE", 1024)]
        if isOneShot {
            limits += [limit("RLIMIT_SIGPENDING", 1024), limit("RLIMIT_MSGQUEUE", 204_800)]
        }
        return [
            "terminal": true,
            "user": ["uid": 0, "gid": 0],
            "args": ["sh"],
            "env": .strings([path, "TERM=xterm"] + (isOneShot ? ["LANG=C.UTF-8"] : [])),
            "cwd": "/",
            "capabilities": [
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            ],
            "rlimits": .array(limits),
            "noNewPrivileges": true,
        ]
    }

    private static func limit(_ name: String, _ number: Int64) -> JSONOutput {
        ["type": .string(name), "hard": .integer(number), "soft": .integer(number)]
    }

    /// - Parameter hasTerminalGroup: Whether group 5, `tty`, is mapped.
    private static func mounts(hasTerminalGroup: Bool) -> [JSONOutput] {
        let terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        return [
            mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            mount(
                "/dev", "tmpfs", "tmpfs",
                ["nosuid", "strictatime", "mode=755", "size=65536k", "nr_inodes=16k"]),
            mount(
                "/dev/pts", "devpts", "devpts",
                terminals + (hasTerminalGroup ? ["gid=5"] : [])),
            mount(
                "/dev/shm", "tmpfs", "shm",
                ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k", "nr_inodes=16k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
            mount(
                "/sys/fs/cgroup", "cgroup", "cgroup",
                ["nosuid", "noexec", "nodev", "relatime", "ro"]),
        ]
    }

    private static func mount(
        _ destination: String, _ type: String, _ source: String, _ options: [String]
    ) -> JSONOutput {
        [
            "destination": .string(destination), "type": .string(type), "source": .string(source),
            "options": .strings(options),
        ]
    }

    private static func linux(_ user: RootlessUser?, _ kind: Kind) -> JSONOutput {
        let isOneShot = kind == .oneShot
        var kinds = ["pid", "network", "ipc", "uts", "mount"]
        if kind != .template || !hasVersion1 { kinds.append("cgroup") }
        if user != nil || isOneShot { kinds.append("user") }
        var members: [(key: String, value: JSONOutput)] = [
            ("namespaces", .array(kinds.map { ["type": .string($0)] }))
        ]
        // An empty object, for programs that fill in a template.
        if user == nil { members.append(("resources", isOneShot ? limits : [:])) }
        let own = isOneShot ? IDMappings(users: ownIDs, groups: ownIDs) : nil
        if let mappings = own ?? user?.oneMapping {
            members.append(("uidMappings", mapping(mappings.users)))
            members.append(("gidMappings", mapping(mappings.groups)))
        }
        let masked = [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
            "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
        ]
        let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        members.append(("maskedPaths", .strings(masked)))
        members.append(("readonlyPaths", .strings(readOnly)))
        members.append(("seccomp", seccomp))
        return .object(members)
    }

    private static var hasVersion1: Bool {
        guard let hierarchies = try? Hierarchies.read() else { return false }
        return !hierarchies.version1.isEmpty
    }

    private static let limits: JSONOutput = [
        "memory": ["limit": .integer(512 << 20)], "pids": ["limit": 256],
    ]

    private static func mapping(_ map: IDMap) -> JSONOutput {
        .array(
            map.ranges.map {
                [
                    "containerID": .integer(Int64($0.inside)),
                    "hostID": .integer(Int64($0.outside)), "size": .integer(Int64($0.count)),
                ]
            })
    }

    /// The built-in profile.
    private static var seccomp: JSONOutput {
        guard let document = try? JSONDocument(BuiltInProfile.default.bytes) else { return .null }
        return JSONOutput(document.root)
    }
}
