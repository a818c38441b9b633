import Foundation
import Glibc
import Testing

/// The same bundle through crun and runc: the probe must find the same. Where it does not, the
/// difference is named here, with its reason.
struct PeerTests {
    enum Peer: String, CaseIterable, Sendable {
        case crun, runc

        /// crun wants control groups version 2 where it looks, in a mount namespace of its own.
        func command(_ path: String, _ box: Sandbox, _ id: String) -> [String] {
            let run = ["--root", box.path("state"), "run", "-b", box.bundle, id]
            if self == .runc { return [path] + run }
            let script = ControlGroups.showVersion2 + "; exec \"$@\""
            return [
                "/usr/bin/unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh",
                path, "--cgroup-manager=disabled",
            ] + run
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout Value) -> Void
    }

    static let cases = [
        Case(testDescription: "the minimal config") { _ in },
        Case(testDescription: "an ordinary user") {
            $0["process"]["user"] = [
                "uid": 1000, "gid": 1001, "additionalGids": [5, 7], "umask": 0o027,
            ]
            $0["process"]["cwd"] = "/tmp"
        },
        Case(testDescription: "ambient capabilities and limits") {
            let one: Value = ["CAP_NET_BIND_SERVICE"]
            $0["process"]["capabilities"] = [
                "bounding": one, "effective": one, "permitted": one, "inheritable": one,
                "ambient": one,
            ]
            $0["process"]["user"] = ["uid": 1000, "gid": 1000]
            $0["process"]["rlimits"] = [
                ["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200],
                ["type": "RLIMIT_CORE", "soft": 0, "hard": 0],
            ]
            $0["process"]["oomScoreAdj"] = 300
        },
        Case(testDescription: "masks, read-only paths, a read-only root") {
            $0["root"]["readonly"] = true
            $0["linux"]["maskedPaths"] = ["/proc/keys", "/sys/firmware", "/etc"]
            $0["linux"]["readonlyPaths"] = ["/proc/sys", "/proc/bus", "/bin"]
            $0["linux"]["sysctl"] = ["net.ipv4.ip_forward": "1", "kernel.msgmax": "4242"]
        },
        Case(testDescription: "many mounts") {
            $0["mounts"].append(
                Config.mount("/a/b", "tmpfs", ["nosuid", "noexec", "size=1m", "mode=1777"]))
            $0["mounts"].append(Config.mount("/ro", "tmpfs", ["ro", "noatime"]))
            $0["mounts"].append(Config.mount("/dev/mqueue", "mqueue", ["nosuid", "nodev"]))
            $0["mounts"].append(Config.bind("/etc", "/host", ["ro", "nosuid", "rprivate"]))
            $0["mounts"].append(Config.bind("/etc/passwd", "/host-file", ["ro"]))
        },
        Case(testDescription: "devices and seccomp") {
            $0["linux"]["devices"] = [
                [
                    "type": "c", "path": "/dev/fuse", "major": 10, "minor": 229,
                    "fileMode": 0o600, "uid": 0, "gid": 0,
                ],
                ["type": "p", "path": "/dev/pipe", "fileMode": 0o622, "uid": 7, "gid": 8],
            ]
            $0["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [
                    ["names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95]
                ],
            ]
        },
    ]

    @Test(arguments: Peer.allCases, cases)
    func `a container is the same in another runtime`(_ peer: Peer, _ case: Case) throws {
        guard let program = Host.find(peer.rawValue) else {
            try skip("\(peer) is not installed")
        }
        try Sandbox.use { box in
            try box.makeRoot("bundle/rootfs")
            var config = Config.minimal(root: "rootfs")
            config["ociVersion"] = "1.0.2"
            config["vfs"]["overlay"] = false
            config.share("cgroup")
            `case`.change(&config)
            config.run([
                "/probe", "mkdir:/tmp/made", "create:/bin/new", "list:/etc",
                "sysctl:net/ipv4/ip_forward", "sysctl:kernel/msgmax", "call:mount",
            ])
            let ours = try Facts(box.start(config).finish())
            rmdir(box.path("bundle/rootfs/tmp/made"))
            unlink(box.path("bundle/rootfs/bin/new"))
            for place in ["fuse", "pipe"] { unlink(box.path("bundle/rootfs/dev/\(place)")) }
            let id = "peer-" + (box.directory as NSString).pathExtension
            let command = peer.command(program, box, id)
            let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
            let outcome = try Running(
                command[0], Array(command.dropFirst()), environment: [path]
            ).finish()
            let theirs = try Facts(outcome)
            let own = PeerTests.comparable(ours, peer)
            let other = PeerTests.comparable(theirs, peer)
            for (name, value) in own {
                #expect(value == other[name], "\(name) in \(peer)")
            }
            PeerTests.expectKnownDifferences(ours, theirs, peer)
        }
    }

    /// What must be equal.
    private static func comparable(_ facts: Facts, _ peer: Peer) -> [String: Value] {
        var found: [String: Value] = [:]
        for name in [
            "pid", "ppid", "sid", "pgrp", "uids", "gids", "groups", "umask", "cwd", "args",
            "noNewPrivileges", "seccomp", "dumpable", "oomScoreAdj", "SigBlk",
            "capabilities", "rlimits", "hostname", "domainname", "interfaces", "isatty",
            "hasControllingTerminal", "tried",
        ] {
            found[name] = facts[name]
        }
        found["descriptors"] = Value((facts["descriptors"].object ?? [:]).keys.sorted())
        for (kind, id) in facts["namespaces"].object ?? [:] {
            found["\(kind) namespace is the host's"] = .bool(id.string == Host.namespace(kind))
        }
        for (name, device) in facts["dev"].object ?? [:] where name != "core" {
            var device = device
            // Directories: by what else is in them.
            if device["kind"] == "directory" { device = ["kind": "directory"] }
            device["size"] = nil
            device["mtime"] = nil
            found["/dev/\(name)"] = device
        }
        for mount in facts.mounts where !isMask(mount, peer) {
            found["mount on \(mount.point)"] = [
                "type": .string(mount.type), "options": Value(mount.options.sorted()),
                "propagation": Value(mount.propagation.map { String($0.prefix { $0 != ":" }) }),
                "root": .string(mount.root),
            ]
        }
        return found
    }

    /// Masks and read-only paths: each runtime has its own way, and what counts is `tried`.
    /// - crun binds the host's /dev/null, and read-only paths without the mount's other flags.
    /// - runc makes a tmpfs for each masked directory, vfs-run one for all.
    private static func isMask(_ mount: MountEntry, _ peer: Peer) -> Bool {
        ["/proc/keys", "/sys/firmware", "/etc", "/proc/sys", "/proc/bus", "/bin"]
            .contains(mount.point)
    }

    private static func expectKnownDifferences(_ ours: Facts, _ theirs: Facts, _ peer: Peer) {
        // All add HOME, from the image's passwd or "/".
        let added = Set((theirs["env"].array ?? [])).subtracting(ours["env"].array ?? [])
        #expect(added.isEmpty, "\(added)")
        // Theirs goes on when the runtime is killed, here the container dies with it. A change of
        // the user has cleared it: from there the watchdog takes over.
        #expect(theirs["parentDeathSignal"] == 0)
        // Both hand on that the caller ignores a real-time signal, as posix_spawn leaves it.
        #expect(ours["SigIgn"] == 0)
        // crun still makes the link that the specification has dropped.
        if ours["dev"]["core"] != theirs["dev"]["core"] {
            #expect(theirs["dev"]["core"]["target"] == "/proc/kcore")
        }
    }
}
