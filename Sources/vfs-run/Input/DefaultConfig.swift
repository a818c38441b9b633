internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec

/// The config.json that `vfs-run spec` writes.
enum DefaultConfig {
    static var json: JSONOutput { json(for: nil) }

    /// - Parameter user: Who is to run it, where that is not root.
    static func json(for user: RootlessUser?) -> JSONOutput { json(user, isOneShot: false) }

    /// The same for `vfs-run config.json`, whose program nobody trusts: with limits, and with ids of
    /// the host that nobody else has. What who is not root cannot have of these is left out.
    static var oneShot: JSONOutput { json(nil, isOneShot: true) }

    private static func json(_ user: RootlessUser?, isOneShot: Bool) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", .string(Spec.versions.newest)),
            ("process", process(isOneShot)),
            ("root", .object([("path", .string("rootfs")), ("readonly", .bool(false))])),
            ("hostname", .string("vfs-run")),
            ("mounts", .array(mounts(hasTerminalGroup: user == nil))),
            ("linux", linux(user, isOneShot)),
        ]
        if isOneShot {
            members.append(
                (
                    "vfs",
                    .object([
                        ("overlay", .object([("size", .string("256M"))])),
                        ("rootless", .string("adapt")),
                    ])
                ))
        }
        return .object(members)
    }

    /// Above those that systemd gives to containers (524288 to 1879048191) and /etc/subuid to users,
    /// below the highest that a signed number holds.
    private static let ownIDs = IDMap([IDRange(inside: 0, outside: 1_879_048_192, count: 65536)])

    private static func limit(_ name: String, _ number: Int64) -> JSONOutput {
        .object([
            ("type", .string(name)), ("hard", .integer(number)), ("soft", .integer(number)),
        ])
    }

    private static func process(_ isOneShot: Bool) -> JSONOutput {
        let capabilities = strings(["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])
        return .object([
            ("terminal", .bool(true)),
            ("user", .object([("uid", .integer(0)), ("gid", .integer(0))])),
            ("args", strings(["sh"])),
            (
                "env",
                strings(
                    [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "TERM=xterm",
                    ] + (isOneShot ? ["LANG=C.UTF-8"] : []))
            ),
            ("cwd", .string("/")),
            (
                "capabilities",
                .object([
                    ("bounding", capabilities), ("effective", capabilities),
                    ("permitted", capabilities),
                ])
            ),
            (
                "rlimits",
                .array(
                    [limit("RLIMIT_NOFILE", 1024)]
                        + (isOneShot
                            ? [limit("RLIMIT_SIGPENDING", 1024), limit("RLIMIT_MSGQUEUE", 204_800)]
                            : []))
            ),
            ("noNewPrivileges", .bool(true)),
        ])
    }

    /// - Parameter hasTerminalGroup: Whether the container has a group 5, `tty`.
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
        .object([
            ("destination", .string(destination)), ("type", .string(type)),
            ("source", .string(source)), ("options", strings(options)),
        ])
    }

    private static func linux(_ user: RootlessUser?, _ isOneShot: Bool) -> JSONOutput {
        let kinds =
            ["pid", "network", "ipc", "uts", "mount", "cgroup"]
            + (user == nil && !isOneShot ? [] : ["user"])
        var members: [(key: String, value: JSONOutput)] = [
            ("namespaces", .array(kinds.map { .object([("type", .string($0))]) }))
        ]
        // No limit, but the place for them, as programs that fill in a template expect it.
        if user == nil { members.append(("resources", isOneShot ? limits : .object([]))) }
        let own = isOneShot ? IDMappings(users: ownIDs, groups: ownIDs) : nil
        if let mappings = own ?? user?.ownMappings {
            members.append(("uidMappings", mapping(mappings.users)))
            members.append(("gidMappings", mapping(mappings.groups)))
        }
        return .object(members + paths)
    }

    private static let limits = JSONOutput.object([
        ("memory", .object([("limit", .integer(512 << 20))])),
        ("pids", .object([("limit", .integer(256))])),
    ])

    private static func mapping(_ map: IDMap) -> JSONOutput {
        .array(
            map.ranges.map {
                .object([
                    ("containerID", .unsigned(UInt64($0.inside))),
                    ("hostID", .unsigned(UInt64($0.outside))),
                    ("size", .unsigned(UInt64($0.count))),
                ])
            })
    }

    private static var paths: [(key: String, value: JSONOutput)] {
        [
            (
                "maskedPaths",
                strings([
                    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
                    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                    "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
                    "/sys/devices/virtual/powercap",
                ])
            ),
            (
                "readonlyPaths",
                strings([
                    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
                ])
            ),
            ("seccomp", seccomp),
        ]
    }

    /// The built-in profile, as it is.
    private static var seccomp: JSONOutput {
        guard let document = try? JSONDocument(DefaultProfile.bytes) else { return .null }
        return JSONOutput(document.root)
    }

    private static func strings(_ strings: [String]) -> JSONOutput {
        .array(strings.map(JSONOutput.string))
    }
}
