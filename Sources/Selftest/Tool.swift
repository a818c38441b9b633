internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// A program that makes sandboxes.
public enum Tool: String, Sendable, CaseIterable {
    case own = "vfs-run"
    case bubblewrap = "bwrap"
    case crun

    /// Nil where it is not installed.
    var path: String? {
        if self == .own { return "/proc/self/exe" }
        let directories = CurrentProcess.environment("PATH") ?? "/usr/bin:/bin"
        for directory in directories.split(separator: ":") where directory.hasPrefix("/") {
            let path = "\(directory)/\(rawValue)"
            if (try? CurrentProcess.checkMayExecute(path)) != nil { return path }
        }
        return nil
    }

    /// The command line that runs `command` in a sandbox made of `place`.
    func arguments(_ place: Place, _ command: [String]) -> [String] {
        switch self {
        case .own: ["vfs-run", place.config]
        case .crun:
            [
                "crun", "--cgroup-manager=disabled", "run", "--bundle", place.directory,
                "vfs-run-selftest-\(CurrentProcess.pid)",
            ]
        case .bubblewrap:
            [
                "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop",
                "ALL", "--clearenv", "--ro-bind", place.root, "/", "--ro-bind", place.program,
                "/probe", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
            ] + command
        }
    }

    /// The config.json of the tools that take one.
    func config(
        _ place: Place, _ command: [String], seccomp: JSONOutput, takesLandlock: Bool
    ) -> JSONOutput? {
        if self == .bubblewrap { return nil }
        let isOwn = self == .own
        var linux: [(key: String, value: JSONOutput)] = [
            (
                "namespaces",
                .array(
                    ["pid", "network", "ipc", "uts", "mount", "user"].map {
                        ["type": .string($0)]
                    })
            ),
            ("uidMappings", Tool.mapping(isOwn)), ("gidMappings", Tool.mapping(isOwn)),
            (
                "maskedPaths",
                [
                    "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/sched_debug", "/proc/scsi",
                ]
            ),
            (
                "readonlyPaths",
                ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
            ),
        ]
        // As engines give it to a runtime.
        if !isOwn { linux.append(("seccomp", seccomp)) }
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", "1.0.2"), ("process", Tool.process(command)),
            ("root", ["path": .string(place.root), "readonly": true]),
            ("hostname", "selftest"), ("mounts", Tool.mounts(place.program)),
            ("linux", .object(linux)),
        ]
        if isOwn {
            var own: [(key: String, value: JSONOutput)] = [
                ("overlay", false), ("rootless", "adapt"), ("seccomp", "strict"), ("init", true),
            ]
            if takesLandlock { own.append(("landlock", true)) }
            members.append(("vfs", .object(own)))
        }
        return .object(members)
    }

    private static func process(_ command: [String]) -> JSONOutput {
        [
            "user": ["uid": 0, "gid": 0], "args": .strings(command), "cwd": "/",
            "env": ["PATH=/usr/bin:/bin"], "noNewPrivileges": true,
            "rlimits": [["type": "RLIMIT_CORE", "hard": 0, "soft": 0]],
        ]
    }

    private static func mounts(_ program: String) -> JSONOutput {
        func mount(_ place: String, _ type: String, _ options: JSONOutput) -> JSONOutput {
            [
                "destination": .string(place), "type": .string(type), "source": .string(type),
                "options": options,
            ]
        }
        return [
            mount("/proc", "proc", ["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=1m"]),
            mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666"]),
            mount("/tmp", "tmpfs", ["nosuid", "nodev", "noexec", "mode=1777", "size=1m"]),
            [
                "destination": "/probe", "type": "bind", "source": .string(program),
                "options": ["bind", "ro", "nosuid", "nodev"],
            ],
        ]
    }

    /// For root ids that nothing else has; for an ordinary user its own id.
    private static func mapping(_ isOwn: Bool) -> JSONOutput {
        let user = Credentials.effectiveUser
        if user == 0 || isOwn {
            return [["containerID": 0, "hostID": 1_879_048_192, "size": 65536]]
        }
        return [["containerID": 0, "hostID": .integer(Int64(user)), "size": 1]]
    }
}
