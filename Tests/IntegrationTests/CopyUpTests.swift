import Glibc
import Testing

/// `tmpcopyup`, and what a tmpfs takes over from the directory that it covers.
struct CopyUpTests {
    /// A layer with a directory of everything that can be copied.
    private func fill(_ box: Sandbox) throws -> Value {
        try box.makeDirectory("extra/kept/inner/empty")
        try box.write("extra/kept/file", "content\n")
        try box.write("extra/kept/inner/program", "x", mode: 0o4750)
        try box.write("extra/kept/none", "")
        try box.link("extra/kept/inner/link", to: "../../../../../../../canary")
        try box.link("extra/kept/dangling", to: "nowhere")
        let kept = box.path("extra/kept")
        #expect(mkfifo(kept + "/fifo", 0o640) == 0)
        #expect(mknod(kept + "/device", S_IFCHR | 0o600, makedev(1, 7)) == 0)
        #expect(truncate(kept + "/none", 1 << 40) == 0)
        #expect(chown(kept + "/inner/program", 12, 34) == 0)
        #expect(chmod(kept + "/inner/program", 0o4750) == 0)
        #expect(lchown(kept + "/dangling", 56, 78) == 0)
        #expect(chown(kept, 5, 6) == 0)
        #expect(chmod(kept, 0o1750) == 0)
        for name in ["/file", "/inner", "/dangling", ""] {
            let times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 2000, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, kept + name, times, AT_SYMLINK_NOFOLLOW) == 0)
        }
        var config = box.config()
        config["vfs"]["overlay"]["layers"] = Value([Host.base, box.path("extra"), box.probeLayer])
        return config
    }

    private func makedev(_ major: UInt64, _ minor: UInt64) -> UInt { UInt(major << 8 | minor) }

    @Test(arguments: [["tmpcopyup"], ["tmpcopyup", "ro", "nosuid", "nodev"]])
    func `a tmpfs starts with what it covers`(_ options: [String]) throws {
        try Sandbox.use { box in
            var config = try fill(box)
            config.grant(["CAP_DAC_OVERRIDE"])
            config["mounts"].append(Config.mount("/kept", "tmpfs", options))
            let names = [
                "", "/file", "/inner", "/inner/empty", "/inner/program", "/inner/link", "/dangling",
                "/fifo", "/device", "/none",
            ]
            let facts = try box.probe(
                config,
                names.map { "lstat:/kept" + $0 }
                    + ["list:/kept", "list:/kept/inner", "read:/kept/file", "create:/kept/new"])
            #expect(facts.mount(on: "/kept")?.type == "tmpfs")
            #expect(
                facts.found("list:/kept") == [
                    "dangling", "device", "fifo", "file", "inner", "none",
                ])
            #expect(facts.found("list:/kept/inner") == ["empty", "link", "program"])
            #expect(facts.found("read:/kept/file") == "content\n")
            let isReadOnly = options.contains("ro")
            #expect(facts.result("create:/kept/new") == (isReadOnly ? "EROFS" : "ok"))
            func shown(_ name: String, _ key: String) -> Value {
                facts.found("lstat:/kept" + name)[key]
            }
            #expect(shown("", "mode") == 0o1750)
            #expect([shown("", "uid"), shown("", "gid")] == [5, 6])
            #expect(shown("/inner/program", "mode") == 0o4750)
            #expect(shown("/inner/program", "uid") == 12)
            #expect(shown("/inner/program", "gid") == 34)
            #expect([shown("/dangling", "uid"), shown("/dangling", "gid")] == [56, 78])
            #expect(shown("/dangling", "target") == "nowhere")
            #expect(shown("/inner/link", "target") == "../../../../../../../canary")
            #expect(shown("/fifo", "kind") == "fifo")
            #expect(shown("/fifo", "mode") == 0o640)
            #expect(shown("/device", "kind") == "character")
            #expect([shown("/device", "major"), shown("/device", "minor")] == [1, 7])
            #expect(shown("/none", "size") == .integer(1 << 40))
            #expect(shown("/none", "blocks") == 0)
            for name in ["", "/file", "/inner", "/dangling"] {
                #expect(shown(name, "mtime") == 2000, "\(name)")
            }
        }
    }

    @Test func `an image that does not fit is an error that says so`() throws {
        try Sandbox.use { box in
            try box.write("extra/kept/big", String(repeating: "x", count: 1 << 20))
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.mount("/kept", "tmpfs", ["tmpcopyup", "size=64k"]))
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("/kept/big"), "\(outcome)")
            #expect(outcome.error.contains("the tmpfs is too small"), "\(outcome)")
        }
    }

    @Test func `options of the tmpfs win over what it covers`() throws {
        try Sandbox.use { box in
            var config = try fill(box)
            config["mounts"].append(
                Config.mount("/kept", "tmpfs", ["tmpcopyup", "mode=700", "uid=9", "gid=8"]))
            let facts = try box.probe(config, ["stat:/kept"])
            let found = facts.found("stat:/kept")
            #expect(found["mode"] == 0o700)
            #expect([found["uid"], found["gid"]] == [9, 8])
        }
    }

    @Test func `without a mode a tmpfs takes over that of a directory, and has its own elsewhere`()
        throws
    {
        try Sandbox.use { box in
            var config = try fill(box)
            config["mounts"].append(Config.mount("/kept", "tmpfs"))
            config["mounts"].append(Config.mount("/missing", "tmpfs"))
            config["mounts"].append(Config.mount("/absent", "tmpfs", ["tmpcopyup"]))
            let facts = try box.probe(
                config, ["stat:/kept", "list:/kept", "stat:/missing", "stat:/absent"])
            #expect(facts.found("stat:/kept")["mode"] == 0o1750)
            #expect(facts.found("list:/kept") == [])
            #expect(facts.found("stat:/missing")["mode"] == 0o1777)
            #expect(facts.found("stat:/absent")["mode"] == 0o1777)
            let covered = try #require(facts.mount(on: "/kept"))
            #expect(covered.superOptions.contains("mode=1750"), "\(covered)")
            let missing = try #require(facts.mount(on: "/missing"))
            #expect(!missing.superOptions.contains { $0.hasPrefix("mode=") }, "\(missing)")
        }
    }

    @Test func `of a volume and of the kernel's file systems nothing is copied`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("extra/vol")
            try box.write("extra/kept/inner/file", "x")
            try box.link("extra/x", to: "/sys/kernel")
            try box.write("source/in/secret", "x")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.bind(box.path("source"), "/vol"))
            let places = ["/vol/in", "/x", "/sys/fs", "/kept", "/kept/inner", "/sys"]
            for place in places {
                config["mounts"].append(Config.mount(place, "tmpfs", ["tmpcopyup"]))
            }
            let facts = try box.probe(config, places.map { "list:" + $0 })
            #expect(facts.found("list:/vol/in") == [])
            #expect(facts.found("list:/sys") == [])
            #expect(facts.found("list:/kept") == ["inner"])
            #expect(facts.found("list:/kept/inner") == ["file"])
        }
    }

    @Test(arguments: [150, 250])
    func `a deep directory is copied, or an error that says so`(_ depth: Int) throws {
        try Sandbox.use { box in
            let inner = String(repeating: "/d", count: depth)
            try box.write("extra/kept" + inner + "/file", "x")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.mount("/kept", "tmpfs", ["tmpcopyup"]))
            config.run(["/probe", "read:/kept" + inner + "/file"])
            let outcome = try box.run(config)
            if depth > 200 {
                #expect(outcome.code == 125)
                #expect(outcome.error.contains("is nested too deep to be copied"), "\(outcome)")
            } else {
                #expect(try Facts(outcome).found("read:/kept" + inner + "/file") == "x")
            }
        }
    }

    @Test func `what is mounted in the directory is not copied`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("extra/kept/below")
            try box.write("source/secret", "x")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.bind(box.path("source"), "/kept/below"))
            config["mounts"].append(Config.mount("/kept", "tmpfs", ["tmpcopyup"]))
            let facts = try box.probe(config, ["list:/kept"])
            #expect(facts.found("list:/kept") == [])
        }
    }
}
