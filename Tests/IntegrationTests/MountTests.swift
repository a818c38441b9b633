import Glibc
import Testing

/// `mounts`: what mountinfo shows inside is what the config has asked for.
struct MountTests {
    /// An option, and what of it is seen in the options of the mount.
    static let attributes: [(option: String, shown: String?, hidden: String?)] = [
        ("ro", "ro", "rw"), ("rw", "rw", "ro"), ("nosuid", "nosuid", nil), ("suid", nil, "nosuid"),
        ("nodev", "nodev", nil), ("dev", nil, "nodev"), ("noexec", "noexec", nil),
        ("exec", nil, "noexec"), ("noatime", "noatime", "relatime"),
        ("nodiratime", "nodiratime", nil), ("relatime", "relatime", "noatime"),
        ("strictatime", nil, "relatime"), ("nosymfollow", "nosymfollow", nil),
        ("symfollow", nil, "nosymfollow"), ("rro", "ro", "rw"), ("rnosuid", "nosuid", nil),
        ("rnodev", "nodev", nil), ("rnoexec", "noexec", nil), ("rnoatime", "noatime", nil),
        ("rnodiratime", "nodiratime", nil), ("rnosymfollow", "nosymfollow", nil),
        ("rstrictatime", nil, "relatime"), ("defaults", "rw", nil), ("silent", "rw", nil),
        ("loud", "rw", nil), ("mand", "rw", nil), ("nomand", "rw", nil), ("iversion", "rw", nil),
        ("noiversion", "rw", nil), ("async", "rw", nil), ("nolazytime", "rw", nil),
        ("atime", nil, "noatime"), ("diratime", nil, "nodiratime"),
        ("norelatime", "rw", nil), ("nostrictatime", nil, "noatime"),
        ("ratime", nil, "noatime"), ("rdiratime", nil, "nodiratime"), ("rrw", "rw", "ro"),
        ("rsuid", nil, "nosuid"), ("rdev", nil, "nodev"), ("rexec", nil, "noexec"),
        ("rsymfollow", nil, "nosymfollow"), ("rrelatime", "relatime", "noatime"),
        ("rnorelatime", "rw", nil), ("rnostrictatime", nil, "noatime"),
    ]

    @Test(arguments: attributes.map(\.option), ["tmpfs", "bind"])
    func `an option is in effect`(_ option: String, _ type: String) throws {
        let expected = try #require(MountTests.attributes.first { $0.option == option })
        try Sandbox.use { box in
            try box.makeDirectory("source")
            var config = box.config()
            config["mounts"].append(
                type == "bind"
                    ? Config.bind(box.path("source"), "/made", [option])
                    : Config.mount("/made", type, [option]))
            let facts = try box.probe(config)
            let mount = try #require(facts.mount(on: "/made"))
            if let shown = expected.shown { #expect(mount.options.contains(shown), "\(mount)") }
            if let hidden = expected.hidden { #expect(!mount.options.contains(hidden), "\(mount)") }
        }
    }

    /// As images have them: etc/resolv.conf that leads to what only a running system makes.
    @Test(arguments: [
        ("/run/resolve/stub", "/run/resolve/stub"), ("../run/stub", "/run/stub"),
        ("/jump/stub", "/var/made/here/stub"),
    ])
    func `a bind mount goes where a link leads that leads nowhere`(
        _ target: String, _ place: String
    ) throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer/etc")
            try box.link("layer/etc/link", to: target)
            try box.link("layer/etc/folder", to: target + "-folder")
            try box.link("layer/jump", to: "/var/made/here")
            try box.write("file", "bound")
            try box.makeDirectory("folder")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
            config["mounts"].append(Config.bind(box.path("file"), "/etc/link"))
            let facts = try box.probe(config, ["read:\(place)"])
            #expect(facts.found("read:\(place)") == "bound")
            #expect(facts.mount(on: place) != nil)
            config["mounts"].append(Config.bind(box.path("folder"), "/etc/folder"))
            #expect(try box.probe(config).mount(on: place + "-folder") != nil)
        }
    }

    @Test func `a read-only tmpfs takes the mounts and devices below it`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/dev", "tmpfs", ["ro", "mode=755"]))
            config["mounts"].append(Config.mount("/dev/pts", "devpts", ["newinstance"]))
            config["mounts"].append(Config.mount("/made", "tmpfs", ["rro"]))
            config["mounts"].append(Config.mount("/made/below", "tmpfs"))
            let facts = try box.probe(config, ["create:/dev/x", "create:/made/below/x"])
            #expect(facts.mount(on: "/dev")?.options.contains("ro") == true)
            #expect(facts.mount(on: "/dev/pts") != nil)
            #expect(facts["dev"]["null"]["kind"] == "character")
            #expect(facts.result("create:/dev/x") == "EROFS")
            #expect(facts.mount(on: "/made")?.options.contains("ro") == true)
            #expect(facts.result("create:/made/below/x") == "ok")
        }
    }

    @Test func `the host's procfs can be bound to /proc, and nothing else`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"] = []
            config["mounts"].append(Config.bind("/proc", "/proc", ["rbind"]))
            config.run(["/bin/cat", "/proc/sys/kernel/random/boot_id"])
            let outcome = try box.run(config)
            #expect(outcome.output == Host.read("/proc/sys/kernel/random/boot_id"), "\(outcome)")
            for source in [box.directory, "/proc/self"] {
                config["mounts"] = []
                config["mounts"].append(Config.bind(source, "/proc", ["rbind"]))
                let refused = try box.run(config)
                #expect(refused.code == 125)
                #expect(refused.error.contains("is not the root of a procfs"), "\(refused)")
            }
        }
    }

    @Test(arguments: [
        (["ro", "rw"], "rw"), (["rw", "ro"], "ro"), (["nosuid", "suid", "nosuid"], "nosuid"),
        (["noatime", "relatime"], "relatime"), (["relatime", "noatime"], "noatime"),
    ])
    func `of two options the later one counts`(_ options: [String], _ shown: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/made", "tmpfs", options))
            let facts = try box.probe(config)
            #expect(facts.mount(on: "/made")?.options.contains(shown) == true)
        }
    }

    @Test(arguments: [("sync", "sync"), ("dirsync", "dirsync"), ("lazytime", "lazytime")])
    func `a flag of the file system itself is in effect`(
        _ option: String, _ shown: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/made", "tmpfs", [option]))
            let facts = try box.probe(config)
            let mount = try #require(facts.mount(on: "/made"))
            #expect(mount.superOptions.contains(shown), "\(mount)")
        }
    }

    @Test func `options of a file system reach it`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(
                Config.mount("/made", "tmpfs", ["mode=1770", "size=1m", "uid=7", "nr_inodes=20"]))
            let facts = try box.probe(config, ["stat:/made", "fill:/made/big=2"])
            #expect(facts.found("stat:/made")["mode"] == 0o1770)
            #expect(facts.found("stat:/made")["uid"] == 7)
            let mount = try #require(facts.mount(on: "/made"))
            #expect(mount.superOptions.isSuperset(of: ["size=1024k", "nr_inodes=20"]), "\(mount)")
        }
    }

    @Test(arguments: [
        ("private", []), ("rprivate", []), ("shared", ["shared"]), ("rshared", ["shared"]),
        ("unbindable", ["unbindable"]), ("runbindable", ["unbindable"]),
    ])
    func `propagation is as asked`(_ option: String, _ expected: [String]) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/made", "tmpfs", [option]))
            let facts = try box.probe(config)
            let shown = facts.mount(on: "/made")?.propagation.map { $0.prefix { $0 != ":" } }
            #expect(shown == expected.map { $0[...] })
        }
    }

    @Test(arguments: [
        ("rprivate", [], "private"), ("rshared", ["shared"], "shared"),
        ("private", [], "private"), ("shared", ["shared"], "shared"),
        ("runbindable", ["unbindable"], "unbindable"), ("rslave", [], "slave of nobody"),
    ])
    func `rootfsPropagation is that of the root`(
        _ option: String, _ expected: [String], _ name: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["rootfsPropagation"] = .string(option)
            let facts = try box.probe(config)
            let shown = facts.mount(on: "/")?.propagation.map { $0.prefix { $0 != ":" } }
            #expect(shown == expected.map { $0[...] }, "\(name)")
        }
    }

    // MARK: Binds

    @Test func `directories and files are bound, missing targets made`() throws {
        try Sandbox.use { box in
            try box.write("source/file", "inside")
            var config = box.config()
            config["mounts"].append(Config.bind(box.path("source"), "/a/b/c"))
            config["mounts"].append(Config.bind(box.path("source/file"), "/d/e/file", ["ro"]))
            config["mounts"].append(Config.bind("../source/file", "relative"))
            box.mayChange = ["source"]
            let facts = try box.probe(
                config,
                [
                    "read:/a/b/c/file", "read:/d/e/file", "read:/relative", "write:/d/e/file",
                    "create:/a/b/c/new",
                ])
            for path in ["/a/b/c/file", "/d/e/file", "/relative"] {
                #expect(facts.found("read:\(path)") == "inside", "\(path)")
            }
            #expect(facts.result("write:/d/e/file") == "EROFS")
            #expect(facts.result("create:/a/b/c/new") == "ok")
            #expect(box.exists("source/new"))
        }
    }

    @Test func `bind takes one mount, rbind those below it, r-options reach them`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("source/nested")
            var config = box.config()
            // The container binds a tree of its own that has a mount in it: nothing of the host's
            // tables is touched.
            try box.write("bundle/config.json", "")
            let script = """
                mount -t tmpfs nested \(box.path("source/nested")) &&
                echo x > \(box.path("source/nested/file")) &&
                exec \(Host.runtime) \(box.path("bundle/config.json"))
                """
            config["mounts"].append(Config.bind(box.path("source"), "/one"))
            config["mounts"].append(
                Config.mount("/all", "bind", ["rbind"]))
            config["mounts"].append(
                Config.mount("/ro", "bind", ["rbind", "ro"]))
            config["mounts"].append(
                Config.mount("/rro", "bind", ["rbind", "rro", "rnosuid", "rnodev"]))
            for index in 5...7 { config["mounts"][index]["source"] = .string(box.path("source")) }
            config.run([
                "/probe", "read:/one/nested/file", "read:/all/nested/file",
                "create:/ro/nested/new", "create:/ro/new", "create:/rro/nested/new",
            ])
            try box.write("bundle/config.json", config.prettyText)
            let outcome = try Running(
                "/usr/bin/unshare", ["-m", "--propagation", "private", "sh", "-c", script],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            ).finish()
            let facts = try Facts(outcome)
            #expect(facts.result("read:/one/nested/file") == "ENOENT")
            #expect(facts.found("read:/all/nested/file") == "x\n")
            #expect(facts.result("create:/ro/nested/new") == "ok")
            #expect(facts.result("create:/ro/new") == "EROFS")
            #expect(facts.result("create:/rro/nested/new") == "EROFS")
            let nested = try #require(facts.mount(on: "/rro/nested"))
            #expect(nested.options.isSuperset(of: ["ro", "nosuid", "nodev"]), "\(nested)")
        }
    }

    @Test func `one source may be bound to several places`() throws {
        try Sandbox.use { box in
            try box.write("source", "x")
            var config = box.config()
            for place in ["/1", "/2", "/3"] {
                config["mounts"].append(
                    Config.bind(box.path("source"), place, place == "/2" ? ["ro"] : []))
            }
            let facts = try box.probe(config, ["open-write:/1", "open-write:/2", "open-write:/3"])
            #expect(facts.result("open-write:/1") == "ok")
            #expect(facts.result("open-write:/2") == "EROFS")
            #expect(facts.result("open-write:/3") == "ok")
        }
    }

    @Test func `remount changes what is mounted already`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/made", "tmpfs", ["nosuid"]))
            config["mounts"].append(Config.mount("/made", "", ["remount", "ro", "noexec"]))
            let facts = try box.probe(config)
            let mount = try #require(facts.mount(on: "/made"))
            #expect(mount.options.isSuperset(of: ["ro", "noexec", "nosuid"]), "\(mount)")
        }
    }

    // MARK: Kernel file systems

    @Test func `the default file systems are there with their options`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(
                Config.mount("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]))
            config["mounts"].append(
                Config.mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777"]))
            let facts = try box.probe(
                config, ["read:/proc/1/comm", "list:/sys/class/net", "stat:/dev/shm"])
            for (place, type) in [
                ("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/sys", "sysfs"),
                ("/dev/mqueue", "mqueue"), ("/dev/shm", "tmpfs"),
            ] {
                #expect(facts.mount(on: place)?.type == type, "\(place)")
            }
            #expect(facts.mount(on: "/sys")?.options.contains("ro") == true)
            #expect(facts.found("read:/proc/1/comm") == "probe\n")
            #expect(facts.found("list:/sys/class/net") == ["lo"])
            #expect(facts.found("stat:/dev/shm")["mode"] == 0o1777)
        }
    }

    /// CVE-2022-0492, CVE-2023-25809.
    @Test func `control groups are seen and cannot be written, whatever the options say`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", ["rw"]))
            config.grant(["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"])
            let facts = try box.probe(config, ["list:/sys/fs/cgroup"])
            let mounts = facts.mounts.filter { $0.type.hasPrefix("cgroup") }
            #expect(!mounts.isEmpty)
            for mount in mounts { #expect(mount.options.contains("ro"), "\(mount)") }
            let more = try box.probe(
                config,
                mounts.flatMap {
                    [
                        "create:\($0.point)/cgroup.procs=1", "mkdir:\($0.point)/made",
                        "write:\($0.point)/release_agent=/x",
                    ]
                })
            for (attempt, found) in more["tried"].object ?? [:] {
                #expect(found["ok"] == false, "\(attempt)")
            }
        }
    }

    @Test(arguments: ["rbind", "bind"])
    func `a bound /dev is somebody's own and gets nothing`(_ option: String) throws {
        try Sandbox.use { box in
            try box.makeDirectory("own")
            var config = box.config()
            config["mounts"] = [Config.proc, Config.bind(box.path("own"), "/dev", [option])]
            let facts = try box.probe(config)
            #expect(facts["dev"] == [:])
        }
    }
}
