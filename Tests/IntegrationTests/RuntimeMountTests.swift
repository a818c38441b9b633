import Glibc
import Testing

/// `mounts add` and `mounts remove`: mounts of a container that runs.
struct RuntimeMountTests {
    private func inside(_ box: Sandbox, _ script: String) throws -> String {
        try box.succeed("exec", box.id(), "/bin/sh", "-c", script).output
    }

    private func file(_ box: Sandbox, _ mounts: [Value]) throws -> String {
        try box.write("mounts.json", Value.array(mounts).prettyText)
    }

    @Test(arguments: [false, true])
    func `mounts come and go while the container runs`(_ mapsIDs: Bool) throws {
        try Sandbox.use { box in
            try box.write("shared/file", "from outside")
            try box.write("one", "a file")
            var config = box.config()
            if mapsIDs { config.mapIDs() }
            try box.createAndStart(config)
            let place = try file(
                box,
                [
                    Config.bind(box.path("shared"), "/new/place", ["ro", "nosuid"]),
                    Config.bind(box.path("one"), "/new/file"),
                    Config.mount("/new/memory", "tmpfs", ["size=1m", "mode=700"]),
                ])
            try box.succeed("mounts", "add", box.id(), place)
            #expect(try inside(box, "cat /new/place/file /new/file") == "from outsidea file")
            let refused = try box.command(
                "exec", box.id(), "/bin/sh", "-c", "echo x > /new/place/file")
            #expect(refused.error.contains("Read-only file system"), "\(refused)")
            #expect(try inside(box, "echo x > /new/memory/x; cat /new/memory/x") == "x\n")
            let shown = try inside(box, "grep ' /new/memory ' /proc/mounts")
            #expect(shown.contains("size=1024k") && shown.contains("mode=700"), "\(shown)")
            try box.succeed("mounts", "remove", box.id(), place)
            #expect(try inside(box, "grep -c /new/ /proc/mounts || :") == "0\n")
            let again = try box.command("mounts", "remove", box.id(), place)
            #expect(again.error.contains("nothing is mounted on"), "\(again)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `of several mounts all are added or none`() throws {
        try Sandbox.use { box in
            try box.write("one", "a file")
            try box.createAndStart()
            let place = try file(
                box, [Config.mount("/first", "tmpfs"), Config.bind(box.path("one"), "/etc")])
            let outcome = try box.command("mounts", "add", box.id(), place)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("onto a file (or vice-versa)"), "\(outcome)")
            #expect(try inside(box, "grep -c ' /first ' /proc/mounts || :") == "0\n")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// The container's tree is hostile.
    @Test func `no link of the container's is followed`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("outside")
            try box.write("shared/file", "x")
            try box.createAndStart()
            _ = try inside(
                box,
                """
                ln -s \(box.path("outside")) /out; ln -s /proc/sys /kernel; ln -s / /top
                ln -s /etc /tmp/data; ln -s /proc /short
                """)
            for (destination, words) in [
                ("/out/deep", "name what the link in it leads to"),
                ("/kernel", "name what the link"), ("/top", "name what the link"),
                ("/tmp/data", "name what the link"), ("/tmp/data/new", "name what the link"),
                ("/proc/sys", "are not changed"), ("/", "are not changed"),
                ("/sys/fs/cgroup", "are not changed"), ("/dev", "are not changed"),
            ] {
                let place = try file(box, [Config.bind(box.path("shared"), destination)])
                let outcome = try box.command("mounts", "add", box.id(), place)
                #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            }
            #expect(!box.exists("outside/deep"))
            #expect(try inside(box, "ls -d /etc/new 2>&1 || :").contains("No such file"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `only what was added is removed, whatever names are exchanged`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("shared")
            var config = box.config()
            config["linux"]["maskedPaths"] = ["/etc/passwd", "/root"]
            config["mounts"].append(Config.mount("/own/a", "tmpfs"))
            try box.createAndStart(config)
            for destination in ["/etc/passwd", "/root/", "/own/a", "/tmp", "/proc/kcore", "/none"] {
                let place = try file(box, [["destination": .string(destination)]])
                let outcome = try box.command("mounts", "remove", box.id(), place)
                #expect(outcome.code == 1, "\(destination): \(outcome)")
            }
            // The directory with the config's mount takes the name of one that was added.
            let place = try file(box, [Config.bind(box.path("shared"), "/x/a")])
            try box.succeed("mounts", "add", box.id(), place)
            _ = try inside(box, "mv /x /y && mv /own /x")
            let outcome = try box.command("mounts", "remove", box.id(), place)
            #expect(outcome.error.contains("nothing is mounted on"), "\(outcome)")
            #expect(try inside(box, "grep -c -e ' /x/a ' -e ' /y/a ' /proc/mounts") == "2\n")
            #expect(try inside(box, "cat /etc/passwd; grep -c ' /root ' /proc/mounts") == "1\n")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `what cannot be mounted later is refused before anything is done`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let rows: [(Value, String)] = [
                (Config.mount("/x", "proc"), "only bind mounts and tmpfs"),
                (Config.bind("relative", "/x"), "an absolute path of the host"),
                (Config.bind("/etc", "/x", ["size=1"]), "is not an option of this mount"),
                (Config.mount("/x", "tmpfs", ["tmpcopyup"]), "are not possible"),
                (Config.mount("x", "tmpfs"), "is not an absolute path"),
                (["destination": 1], "is not a string"),
            ]
            for (mount, words) in rows {
                let outcome = try box.command("mounts", "add", box.id(), try file(box, [mount]))
                #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            }
            let other = try box.write("object.json", "{}")
            #expect(
                try box.command("mounts", "add", box.id(), other).error.contains(
                    "mounts must be an array"))
            #expect(
                try box.command("mounts", "change", box.id(), other).error.contains(
                    "use add or remove"))
            try box.succeed("delete", "--force", box.id())
        }
    }
}
