/// A config.json in which every kind of step has its member.
let fullConfig: ConfigFixture = {
    var config = ConfigFixture()
    config.set(
        "process",
        #"""
        {
            "terminal": true,
            "consoleSize": {"height": 24, "width": 80},
            "user": {"uid": 1000, "gid": 100, "umask": 63, "additionalGids": [5, 6]},
            "args": ["/bin/sh", "-c", "true"],
            "cwd": "/srv",
            "capabilities": {
                "bounding": ["CAP_KILL", "CAP_CHOWN"],
                "permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 18446744073709551615}],
            "noNewPrivileges": true,
            "oomScoreAdj": 100
        }
        """#)
    config.set("root", #"{"path": "rootfs", "readonly": true}"#)
    config.set(
        "linux",
        #"""
        {
            "namespaces": [
                {"type": "mount"}, {"type": "uts"}, {"type": "network"}, {"type": "ipc"},
                {"type": "pid", "path": "/proc/7/ns/pid"},
                {"type": "cgroup", "path": "/proc/7/ns/cgroup"}
            ],
            "devices": [
                {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438},
                {"type": "p", "path": "/run/fifo"}
            ],
            "sysctl": {"net.ipv4.ip_forward": "1"},
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            "rootfsPropagation": "rprivate",
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}
            ]}
        }
        """#)
    config.set("hostname", #""box""#)
    config.set("domainname", #""example""#)
    config.set(
        "mounts",
        #"""
        [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
            {"destination": "/dev", "type": "tmpfs", "options": ["mode=755"]},
            {"destination": "/dev/pts", "type": "devpts"},
            {"destination": "/data", "source": "data", "options": ["rbind", "ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup"},
            {"destination": "/proc", "options": ["remount", "ro"]}
        ]
        """#)
    config.set(
        "vfs",
        #"""
        {
            "overlay": {
                "layers": ["base", "/layers/top"],
                "size": "64M",
                "options": ["volatile"]
            }
        }
        """#)
    return config
}()
