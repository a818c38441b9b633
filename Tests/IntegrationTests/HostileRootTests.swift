import Glibc
import Testing

/// Root file systems that attack the runtime while it sets the container up: the traps that other
/// runtimes have fallen into. In every test the sandbox compares the canary and all files of the
/// host before and after.
struct HostileRootTests {
    /// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642.
    @Test(arguments: ["/proc", "/sys"], ["/tmp", "tmp", "../../canary", "/nowhere", "/"])
    func `proc and sysfs are never mounted through a link`(
        _ place: String, _ target: String
    ) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.replace(String(place.dropFirst()), byLinkTo: target)
            let outcome = try box.attack()
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains(place) && outcome.error.contains("symbolic link"))
        }
    }

    /// CVE-2019-18837: mount targets below a link to the host.
    @Test(arguments: [true, false])
    func `mount targets stay inside the root`(_ isFile: Bool) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            // The links lead to what has the canary's name inside the root.
            try box.makeDirectory("rootfs" + box.canary)
            rmdir(box.path("rootfs/etc"))
            try box.link("rootfs/etc", to: box.canary)
            try box.link("rootfs/up", to: "../../../../../../../.." + box.canary)
            try box.write("source/file", "bound")
            var config = box.plainConfig()
            let source = isFile ? box.path("source/file") : box.path("source")
            for place in [
                "/etc/made", "/up/made", "/../../../..\(box.canary)/made", "/etc/deep/er",
            ] {
                config["mounts"].append(Config.bind(source, place))
            }
            let suffix = isFile ? "" : "/file"
            config.run(
                ["/probe", "--only"]
                    + ["/etc/made", "/up/made", "/etc/deep/er"].map {
                        "read:\($0)\(suffix)"
                    })
            let outcome = try box.attack(config)
            let facts = try Facts(outcome)
            for (attempt, _) in facts["tried"].object ?? [:] {
                #expect(facts.found(attempt) == "bound", "\(attempt)")
            }
            #expect(box.exists("rootfs\(box.canary)/made"))
            #expect(TreeSnapshot.names(in: box.canary) == ["file"])
        }
    }

    @Test(arguments: ["/nowhere/x", "../../../../nowhere", "loop"])
    func `a dangling link as a mount's target makes nothing on the host`(_ target: String) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.link("rootfs/loop", to: "loop")
            try box.link("rootfs/target", to: target)
            try box.write("source", "bound")
            var config = box.plainConfig()
            config["mounts"].append(Config.bind(box.path("source"), "/target"))
            _ = try box.attack(config)
            #expect(access("/nowhere", F_OK) != 0)
        }
    }

    /// Resolved by recursion, each name and each link of these would take stack.
    @Test(arguments: ["/dev", "/work", "/file", "/devices"], [1, 35])
    func `a link to thousands of directories behind more such links is an error`(
        _ place: String, _ links: Int
    ) throws {
        try Sandbox.use { box in
            let long = String(repeating: "/d", count: 2040)
            try box.makeDirectory("layer/dev")
            try box.makeDirectory("layer/links")
            if place == "/dev" { rmdir(box.path("layer/dev")) }
            try box.link("layer" + place, to: "/links/0" + long)
            for number in 0..<links {
                try box.link("layer/links/\(number)", to: "\(number + 1)" + long)
            }
            try box.write("file", "bound")
            _ = try box.makeDirectory("containers")
            try box.succeed("spec", "--file", "spec.json")
            var config = try Value(parsing: box.read("bundle/spec.json"))
            config["root"]["path"] = .string(box.path("layer"))
            config["process"]["terminal"] = false
            switch place {
            case "/file": config["mounts"].append(Config.bind(box.path("file"), place))
            case "/work": config["process"]["cwd"] = "/work"
            case "/devices": config["linux"]["devices"] = [["type": "p", "path": "/devices/fifo"]]
            default: break
            }
            for isPlain in [false, true] {
                if isPlain { config["vfs"]["overlay"] = false }
                box.mayChange = ["layer"]
                let outcome = try box.run(config)
                #expect(outcome.code == 125, "\(outcome)")
                #expect(outcome.error.contains("\"\(place)"), "\(outcome)")
                try box.prepare(config)
                let run = try box.command("run", box.id())
                #expect(run.code == 1 && run.error.contains("\"\(place)"), "\(run)")
            }
        }
    }

    @Test(arguments: ["/proc/self/root", "/proc/self/cwd", "/proc/1/root", "/proc/self/fd/3"])
    func `a link through procfs is not followed by a mount`(_ target: String) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.link("rootfs/target", to: target)
            var config = box.plainConfig()
            config["mounts"].append(Config.bind(box.canary, "/target/made"))
            let outcome = try box.attack(config)
            #expect(outcome.code == 125, "\(outcome)")
        }
    }

    /// CVE-2024-21626.
    @Test func `no descriptor of the runtime is a way to a working directory`() throws {
        try Sandbox.use { box in
            var config = box.config()
            for number in 3...40 {
                for tail in ["", "/", "/../../..", "/.."] {
                    config["process"]["cwd"] = "/proc/self/fd/\(number)\(tail)"
                    let outcome = try box.start(config, leaked: 12).finish()
                    #expect(outcome.code == 125, "\(number)\(tail): \(outcome)")
                }
            }
        }
    }

    @Test(arguments: ["/proc/self/fd/3", "/proc/self/root", "/proc/1/cwd", "/proc/self/fd/7/../.."])
    func `a link in the image to such a descriptor is none either`(_ target: String) throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer")
            try box.link("layer/work", to: target)
            var config = box.config()
            config["process"]["cwd"] = "/work"
            let outcome = try box.run(config, ["--layer", box.path("layer")], leaked: 12)
            #expect(outcome.code == 125, "\(outcome)")
        }
    }

    /// CVE-2026-55686: a working directory that is made is made inside.
    @Test func `a working directory behind a link is made inside the root`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            try box.makeDirectory("rootfs" + box.canary)
            try box.link("rootfs/work", to: box.canary)
            var config = box.plainConfig()
            config["process"]["cwd"] = "/work/made"
            let outcome = try box.attack(config)
            let facts = try Facts(outcome)
            #expect(facts["cwd"] == .string(box.canary + "/made"))
            #expect(TreeSnapshot.names(in: box.canary) == ["file"])
        }
    }

    /// CVE-2019-16884: something that only looks like procfs.
    @Test(arguments: ["tmpfs", "bind", "sysfs"])
    func `nothing but procfs is mounted on /proc`(_ type: String) throws {
        try Sandbox.use { box in
            try box.makeDirectory("volume/self/attr")
            try box.link("volume/link", to: "/proc")
            for place in ["/proc", "/proc/", "//proc/.", "/tmp/../proc", "/proc/self", "/link/sys"]
            {
                var config = box.config()
                config["mounts"].append(
                    type == "bind"
                        ? Config.bind(box.path("volume"), place) : Config.mount(place, type))
                let outcome = try box.run(config, ["--layer", box.path("volume")])
                #expect(outcome.code == 125, "\(place): \(outcome)")
                let isNamed = ["/proc", "symbolic link"].contains { outcome.error.contains($0) }
                #expect(isNamed, "\(outcome)")
            }
        }
    }

    /// CVE-2024-9676: files of the image are not read; a FIFO in the place of one hangs nobody.
    @Test(arguments: ["passwd", "group", "hosts", "resolv.conf", "hostname"])
    func `a fifo in the place of a file of the image hangs nobody`(_ name: String) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            mkfifo(box.path("rootfs/etc/\(name)"), 0o644)
            let outcome = try box.attack()
            #expect(outcome.code == 0, "\(outcome)")
        }
    }

    /// CVE-2021-30465, CVE-2024-45310: a directory becomes a link while targets in it are made.
    @Test(.timeLimit(.minutes(1)))
    func `a directory that is exchanged for a link meanwhile leads nowhere`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("volume/a")
            try box.link("volume/b", to: box.canary)
            try box.link("volume/c", to: "/")
            try box.write("source/file", "bound")
            let swapper = try Running(
                Host.probe, ["--swap", box.path("volume/a"), box.path("volume/b")], input: .open)
            _ = try swapper.readLine()
            var config = box.config()
            config["mounts"].append(Config.bind(box.path("volume"), "/vol"))
            config["mounts"].append(Config.bind(box.path("source"), "/vol/a/deep/made"))
            config["mounts"].append(Config.bind(box.path("source/file"), "/vol/a/file2"))
            config["linux"]["devices"] = [
                ["type": "p", "path": "/vol/a/fifo"]
            ]
            config.run(["/probe"])
            let before = Host.read("/proc/self/mountinfo")
            var started = 0
            for _ in 0..<200 {
                let outcome = try box.start(config).finish()
                // Losing the race is an error of the start, never a mount elsewhere.
                #expect([0, 125].contains(outcome.code), "\(outcome)")
                if outcome.code != 0 { continue }
                started += 1
                let facts = try Facts(outcome)
                let roots = Set(facts.mounts.map(\.root))
                #expect(!roots.contains(box.canary))
            }
            swapper.closeInput()
            _ = try swapper.finish()
            #expect(started > 0, "the swapper has let no run through")
            #expect(TreeSnapshot.names(in: box.canary) == ["file"])
            #expect(Host.read("/proc/self/mountinfo") == before)
        }
    }
}
