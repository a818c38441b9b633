/// A config.json to start from.
enum Config {
    /// The probe in a throw-away overlay, with namespaces, devices and capabilities as
    /// `vfs-run spec` has them, without seccomp.
    static func minimal(root: String = Host.base) -> Value {
        [
            "ociVersion": "1.3.0",
            "process": [
                "args": ["/probe"], "cwd": "/", "user": ["uid": 0, "gid": 0],
                "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
                "capabilities": [
                    "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
                    "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
                    "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
                ],
                "noNewPrivileges": true,
            ],
            "root": ["path": .string(root)],
            "hostname": "box",
            "mounts": [proc, dev, devpts, sys],
            "linux": [
                "namespaces": [
                    ["type": "pid"], ["type": "network"], ["type": "ipc"], ["type": "uts"],
                    ["type": "mount"], ["type": "cgroup"],
                ]
            ],
        ]
    }

    static let proc = mount("/proc", "proc", ["nosuid", "noexec", "nodev"])
    static let dev = mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"])
    static let devpts = mount(
        "/dev/pts", "devpts",
        ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"])
    static let sys = mount("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"])

    static func mount(_ destination: String, _ type: String, _ options: [String] = []) -> Value {
        [
            "destination": .string(destination), "type": .string(type), "source": .string(type),
            "options": Value(options),
        ]
    }

    static func bind(_ source: String, _ destination: String, _ options: [String] = []) -> Value {
        [
            "destination": .string(destination), "type": "bind", "source": .string(source),
            "options": Value(["bind"] + options),
        ]
    }
}

extension Value {
    /// All capabilities of the runtime for the process, in the sets that count.
    mutating func grant(_ capabilities: [String]) {
        for set in ["bounding", "effective", "permitted"] {
            self["process"]["capabilities"][set] = Value(capabilities)
        }
    }

    mutating func run(_ arguments: [String]) {
        self["process"]["args"] = Value(arguments)
    }

    /// Without the namespace of that kind.
    mutating func share(_ kind: String) {
        let kept = (self["linux"]["namespaces"].array ?? []).filter {
            $0["type"] != .string(kind)
        }
        self["linux"]["namespaces"] = .array(kept)
    }
}
