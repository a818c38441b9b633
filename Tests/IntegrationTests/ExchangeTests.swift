import Foundation
import Glibc
import Testing

/// Another process exchanges names of the root, or of a layer, while containers are started: what
/// other runtimes have been broken out of (CVE-2021-30465, CVE-2025-31133, CVE-2025-52565,
/// CVE-2025-52881).
///
/// `VFS_RUN_RACE_STARTS` says how many containers each kind starts, as many as one has patience for.
struct ExchangeTests {
    static let starts =
        ProcessInfo.processInfo.environment["VFS_RUN_RACE_STARTS"].flatMap(Int.init)

    enum Form: String, CaseIterable {
        case oneShot, run, hooks, terminal, userNamespace, exec
    }

    enum Root: String, CaseIterable {
        /// `/proc` and what else lies in the root itself.
        case plain
        case overlay
        /// What lies below a `/dev` that is a volume, and a cgroup view without a sysfs.
        case volumes
    }

    /// What is exchanged for what; the places where masked files could be found.
    private struct Attack {
        var names: [String] = []
        var places: [String] = []

        init(_ kind: Root, _ box: Sandbox) throws {
            let root = try box.makeRoot()
            // The root of a user namespace may make nothing here.
            for name in ["work", "secret", "etc/made", "vol/deep/er", "sys/fs/cgroup"] {
                try box.makeDirectory("rootfs/\(name)")
            }
            if kind == .volumes {
                for name in ["pts", "shm", "mqueue"] {
                    try box.makeDirectory("dev/\(name)")
                    try add(box, box.path("dev/\(name)"), box.canary)
                }
                try box.write("dev/console", "")
                try add(box, box.path("dev/console"), box.canary + "/file")
                #expect(mknod(box.path("dev/null"), S_IFCHR | 0o666, 0x103) == 0)
                chmod(box.path("dev/null"), 0o666)
                try add(box, box.path("dev/null"), box.canary + "/file")
                try add(box, root + "/sys/fs/cgroup", "/")
                try add(box, root + "/sys/fs", box.canary)
            } else {
                for name in ["proc", "sys", "dev"] { try add(box, "\(root)/\(name)", "/") }
                for name in ["work", "secret", "etc", "vol"] {
                    try add(box, "\(root)/\(name)", box.canary)
                }
                try box.makeDirectory("rootfs/proc.y/sys")
                names += ["\(root)/proc", "\(root)/proc.y"]
            }
            for name in ["proc", "sys", "dev"] {
                places += ["/\(name)", "/\(name).x", "/\(name).y"]
            }
        }

        private mutating func add(_ box: Sandbox, _ name: String, _ target: String) throws {
            try box.link(name + ".x", to: target)
            names += [name, name + ".x"]
        }
    }

    private func config(_ form: Form, _ kind: Root, _ box: Sandbox, _ attack: Attack) throws
        -> Value
    {
        var config = box.plainConfig()
        if kind == .overlay {
            config["vfs"]["overlay"] = ["layers": [.string(box.path("rootfs"))]]
        }
        var mounts = [Config.proc]
        if kind == .volumes {
            mounts.append(Config.bind(box.path("dev"), "/dev"))
        } else {
            mounts += [Config.sys, Config.dev]
        }
        mounts += [
            Config.devpts, Config.mount("/dev/shm", "tmpfs"),
            Config.mount("/dev/mqueue", "mqueue"), Config.mount("/sys/fs/cgroup", "cgroup"),
            Config.bind(box.path("source"), "/etc/made"),
            Config.mount("/vol/deep/er", "tmpfs"),
        ]
        config["mounts"] = .array(mounts)
        config["linux"]["maskedPaths"] = ["/proc/interrupts", "/secret", "/sys/firmware"]
        config["linux"]["readonlyPaths"] = ["/proc/sys", "/proc/sysrq-trigger"]
        config["process"]["cwd"] = "/work"
        config.run(["/probe", "--exposed"] + attack.places)
        switch form {
        case .hooks:
            config["hooks"]["createRuntime"] = [["path": "/bin/true"]]
            config["hooks"]["createContainer"] = [["path": "/bin/true"]]
        case .terminal: config["process"]["terminal"] = true
        case .userNamespace:
            let mapping: Value = [["containerID": 0, "hostID": 100_000, "size": 65536]]
            config["linux"]["namespaces"].append(["type": "user"])
            config["linux"]["uidMappings"] = mapping
            config["linux"]["gidMappings"] = mapping
        case .oneShot, .run, .exec: break
        }
        if form != .userNamespace && kind != .volumes {
            config["linux"]["devices"] = [["type": "p", "path": "/vol/fifo"]]
        }
        return config
    }

    /// What one start ends with.
    private func start(_ form: Form, _ file: String, _ box: Sandbox) throws -> Outcome {
        switch form {
        case .oneShot, .hooks, .userNamespace: return try Running(Host.runtime, [file]).finish()
        case .run: return try box.command("run", box.id())
        case .terminal:
            let screen = try PseudoTerminal()
            return try Running(Host.runtime, [file], input: .terminal(screen.name)).finish()
        case .exec:
            return try box.runCommand(
                ["exec", "--cwd", "/work", box.id(), "/probe", "--exposed", "/proc", "/proc.x"])
        }
    }

    @Test(arguments: Form.allCases, Root.allCases)
    func `names that are exchanged during a start expose nothing`(
        _ form: Form, _ kind: Root
    ) throws {
        try Sandbox.use { box in
            try box.makeDirectory("source")
            let attack = try Attack(kind, box)
            let config = try config(form, kind, box, attack)
            let file = try box.write("bundle/config.json", config.prettyText)
            let before = Host.read("/proc/self/mountinfo")
            if form == .exec { try box.createAndStart(config) }
            let swapper = try Running(Host.probe, ["--exchange"] + attack.names, input: .open)
            _ = try swapper.readLine()
            var codes: [CInt: Int] = [:]
            for _ in 0..<(Self.starts ?? 25) {
                let outcome = try start(form, file, box)
                codes[outcome.code, default: 0] += 1
                #expect(outcome.code != 9, "something is exposed")
                #expect([0, 1, 9, 125, 126, 127, 255].contains(outcome.code), "\(outcome)")
            }
            swapper.closeInput()
            _ = try swapper.finish()
            if form == .exec { try box.succeed("delete", "--force", box.id()) }
            #expect(codes[0, default: 0] > 0, "no start came through: \(codes)")
            #expect(TreeSnapshot.names(in: box.canary) == ["file"])
            #expect(box.read("canary/file") == "untouched\n")
            #expect(Host.read("/proc/self/mountinfo") == before)
            if Self.starts != nil { print("exchanges, \(kind), \(form): \(codes)") }
        }
    }

    /// The exact moment: the mounts are made, the masks are not.
    @Test(arguments: ["proc", "sys", "dev"], [false, true])
    func `a name that leads elsewhere before the masks ends the start`(
        _ name: String, _ hasHooks: Bool
    ) throws {
        try Sandbox.use { box in
            try box.makeDirectory("source")
            let attack = try Attack(.plain, box)
            let config = try config(hasHooks ? .hooks : .oneShot, .plain, box, attack)
            let file = try box.write("bundle/config.json", config.prettyText)
            let screen = try PseudoTerminal()
            let run = try Running(
                Host.runtime, ["--stop-at", "mask /proc/interrupts", file],
                input: .terminal(screen.name))
            _ = try screen.waitFor("q and Enter: quit: ")
            #expect(rename(box.path("rootfs/\(name)"), box.path("rootfs/\(name).z")) == 0)
            try box.link("rootfs/\(name)", to: "/")
            screen.type("c\n")
            _ = try screen.waitFor("\"/\(name)\" does not lead to what was mounted there")
            #expect(try run.finish().code == 125)
        }
    }
}
