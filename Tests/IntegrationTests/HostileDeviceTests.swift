import Glibc
import Testing

/// Devices, the null device and terminals in root file systems that attack the runtime; the traps
/// of `HostileRootTests` for everything below /dev.
struct HostileDeviceTests {
    /// CVE-2026-41579, CVE-2026-47766: with a /dev mount and without one the link is refused; the
    /// host's directory sees neither a device nor a removal.
    @Test(arguments: ["canary", "../../canary", "/canary"], [true, false])
    func `/dev as a link leads to no directory of the host`(
        _ target: String, _ mountsDev: Bool
    ) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            let path = target == "canary" ? box.canary : target
            try box.replace("dev", byLinkTo: path)
            try box.makeDirectory("rootfs" + box.canary)
            try box.makeDirectory("rootfs/canary")
            var config = box.plainConfig()
            config["mounts"] = mountsDev ? [Config.proc, Config.dev] : [Config.proc]
            config["linux"]["devices"] = [
                ["type": "c", "path": "/dev/extra", "major": 1, "minor": 3]
            ]
            let outcome = try box.attack(config)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("/dev"), "\(outcome)")
        }
    }

    /// What a `/dev` of somebody's making has in the place of the null device.
    static let falseNullDevices = [
        "/proc/sys/kernel/core_pattern", "/etc/target", "zero", "missing",
    ]

    private func makeFalseNullDevice(_ box: Sandbox, _ target: String, in directory: String) throws
    {
        try box.makeRoot()
        try box.makeDirectory(directory)
        try box.write("rootfs/etc/target", "secret")
        try box.write("rootfs/etc/masked", "secret")
        if target == "zero" {
            mknod(box.path("\(directory)/null"), S_IFCHR | 0o666, 1 << 8 | 5)
        } else if target != "missing" {
            try box.link("\(directory)/null", to: target)
        }
    }

    /// CVE-2025-31133: masks are bind mounts of /dev/null. That of the image is never it: where the
    /// config mounts nothing on /dev, there is a fresh one.
    @Test(arguments: falseNullDevices)
    func `masks never use a null device of the image's making`(_ target: String) throws {
        try Sandbox.use { box in
            try makeFalseNullDevice(box, target, in: "rootfs/dev")
            var config = box.plainConfig()
            config["mounts"] = [Config.proc]
            config["linux"]["maskedPaths"] = ["/etc/masked", "/proc/version"]
            config.run(["/probe", "read:/etc/masked", "read:/proc/version"])
            let facts = try Facts(try box.attack(config, changes: []))
            #expect(facts.found("read:/etc/masked") == "")
            #expect(facts.found("read:/proc/version") == "")
            #expect(facts["dev"]["null"]["kind"] == "character")
            #expect(facts["dev"]["null"]["minor"] == 3)
        }
    }

    /// A /dev that the config binds in is taken as it is, and its null device looked at.
    @Test(arguments: falseNullDevices)
    func `without a true null device there is no start with masks`(_ target: String) throws {
        try Sandbox.use { box in
            try makeFalseNullDevice(box, target, in: "own-dev")
            var config = box.plainConfig()
            config["mounts"] = [Config.proc, Config.bind(box.path("own-dev"), "/dev")]
            config["linux"]["maskedPaths"] = ["/etc/masked"]
            let outcome = try box.attack(config, changes: [])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("/dev/null"), "\(outcome)")
        }
    }

    /// CVE-2026-88265: the null device of the image is neither opened nor given away.
    @Test func `a file in the place of /dev/null keeps its owner`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.write("rootfs/etc/target", "secret")
            try box.link("rootfs/dev/null", to: "/etc/target")
            var config = box.plainConfig()
            config["mounts"] = [Config.proc]
            config["process"]["user"]["uid"] = 1000
            _ = try box.attack(config, changes: ["rootfs/dev"])
        }
    }

    @Test(arguments: ["file", "directory", "fifo", "link"])
    func `devices go where nothing else is, or the start fails`(_ kind: String) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            let path = box.path("rootfs/etc/device")
            switch kind {
            case "file": try box.write(path, "x")
            case "directory": try box.makeDirectory(path)
            case "fifo": mkfifo(path, 0o644)
            default: try box.link(path, to: box.canary + "/file")
            }
            var config = box.plainConfig()
            config["linux"]["devices"] = [
                [
                    "type": "c", "path": "/etc/device", "major": 1, "minor": 3, "uid": 1000,
                    "gid": 1000,
                ]
            ]
            let outcome = try box.attack(config, changes: ["rootfs/dev"])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("something else"), "\(outcome)")
        }
    }

    /// CVE-2025-52565, CVE-2026-88264: in a /dev that the config binds in the console is a link.
    @Test(arguments: ["../../canary/file", "/etc/target"])
    func `a console that is a link is refused`(_ target: String) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.write("rootfs/etc/target", "secret")
            try box.makeDirectory("own-dev/pts")
            try box.link("own-dev/console", to: target)
            var config = box.plainConfig()
            config["mounts"] = [
                Config.proc, Config.bind(box.path("own-dev"), "/dev"), Config.devpts,
            ]
            config["process"]["terminal"] = true
            try box.write("bundle/config.json", "")
            try box.watchingFiles {
                let screen = try PseudoTerminal()
                let run = try box.start(config, input: .terminal(screen.name))
                let outcome = try run.finish()
                #expect(outcome.code == 125)
                try screen.waitFor("/dev/console")
            }
        }
    }

    /// The same in the image: a fresh /dev lies over it.
    @Test func `a console of the image's making is not used`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.link("rootfs/dev/console", to: "../../canary/file")
            var config = box.plainConfig()
            config["mounts"] = [Config.proc, Config.devpts]
            config["process"]["terminal"] = true
            config.run(["/probe", "--only", "stat:/dev/console"])
            try box.write("bundle/config.json", "")
            try box.watchingFiles {
                let screen = try PseudoTerminal()
                let run = try box.start(config, input: .terminal(screen.name))
                let outcome = try run.finish()
                #expect(outcome.code == 0)
                try screen.waitFor("\"major\": 136")
            }
        }
    }

    /// CVE-2017-5226: characters pushed into the caller's terminal.
    @Test func `the program cannot type into the caller's terminal`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            var config = box.config()
            config["process"]["terminal"] = false
            config.grant(["CAP_KILL"])
            let run = try box.start(
                config, arguments: ["/probe", "--only", "call:tiocsti", "open-both:/dev/tty"],
                input: .terminal(screen.name))
            let shown = try screen.waitFor("}\r\n}\r\n")
            #expect(try run.finish().code == 0)
            #expect(!shown.contains("\"ok\": true"), "\(shown)")
        }
    }
}
