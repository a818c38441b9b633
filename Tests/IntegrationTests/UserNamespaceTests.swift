import CLinux
import Glibc
import Testing

/// User namespaces that root makes and joins.
struct UserNamespaceTests {
    static let mapping: Value = [
        ["containerID": 0, "hostID": 100_000, "size": 1000],
        ["containerID": 2000, "hostID": 200_000, "size": 3000],
    ]

    private func config(_ box: Sandbox) -> Value {
        var config = box.config()
        config.mapIDs()
        return config
    }

    /// The user namespace that owns the one behind `path`.
    private func owner(of path: String) -> ino_t {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let getOwner: UInt = 0xb701  // NS_GET_USERNS
        let owner = clinux_ioctl_int(file, getOwner, 0)
        defer { close(owner) }
        var status = stat()
        return fstat(owner, &status) == 0 ? status.st_ino : 0
    }

    @Test func `ids are mapped by many ranges`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["process"]["user"] = ["uid": 2001, "gid": 5, "additionalGids": [7, 2002]]
            let facts = try box.probe(
                config, ["read:/proc/self/uid_map", "read:/proc/self/gid_map"])
            #expect(facts["uids"] == [2001, 2001, 2001])
            #expect(facts["gids"] == [5, 5, 5])
            #expect(facts["groups"] == [7, 2002])
            for map in ["uid_map", "gid_map"] {
                let numbers = facts.found("read:/proc/self/\(map)").string?.split {
                    $0 == " " || $0 == "\n"
                }
                #expect(numbers == ["0", "100000", "1000", "2000", "200000", "3000"])
            }
            #expect(facts["namespaces"]["user"].string != Host.namespace("user"))
        }
    }

    @Test func `every other namespace belongs to it`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            let pid = try box.pid()
            var user = stat()
            #expect(stat("/proc/\(pid)/ns/user", &user) == 0)
            for kind in ["pid", "net", "ipc", "uts", "mnt", "cgroup"] {
                #expect(owner(of: "/proc/\(pid)/ns/\(kind)") == user.st_ino, "\(kind)")
            }
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `one layer of root's serves every mapping`() throws {
        try Sandbox.use { box in
            for first in [100_000, 300_000] as [Int64] {
                var config = box.config()
                config.mapIDs([["containerID": 0, "hostID": .integer(first), "size": 65536]])
                let facts = try box.probe(config, ["stat:/bin/busybox", "create:/bin/new"])
                #expect(facts.found("stat:/bin/busybox")["uid"] == 0)
                #expect(facts.result("create:/bin/new") == "ok")
                #expect(facts["root"]["bin"]["uid"] == 0)
            }
        }
    }

    @Test func `what a kept upper holds belongs to the mapped ids`() throws {
        try Sandbox.use { box in
            box.mayChange = ["keep"]
            var config = config(box)
            config.grant(["CAP_CHOWN"])
            config.run(["/bin/sh", "-c", "echo x >/new && chown 2001:3 /new && rm /etc/group"])
            let outcome = try box.run(config, ["--upper", box.path("keep")])
            #expect(outcome.code == 0, "\(outcome)")
            var status = stat()
            #expect(lstat(box.path("keep/upper/new"), &status) == 0)
            #expect(status.st_uid == 200_001)
            #expect(status.st_gid == 100_003)
            #expect(lstat(box.path("keep/upper"), &status) == 0)
            #expect(status.st_uid == 100_000)
        }
    }

    @Test func `a root without an overlay is seen as it is`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            var config = box.plainConfig()
            config.mapIDs()
            let facts = try box.probe(config, ["stat:/probe", "create:/x"])
            #expect(facts.found("stat:/probe")["uid"] == 65534)
            #expect(facts.result("create:/x") == "EACCES")
        }
    }

    /// CVE-2026-88265 and a development host whose null device came to belong to a container.
    @Test func `no device of the host changes its owner`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["process"]["user"] = ["uid": 2001, "gid": 2001]
            config["linux"]["devices"] = [
                [
                    "type": "c", "path": "/dev/null", "major": 1, "minor": 3, "uid": 2001,
                    "gid": 2001, "fileMode": 0o600,
                ],
                ["type": "c", "path": "/dev/full", "major": 1, "minor": 7, "uid": 2001],
                ["type": "p", "path": "/run/fifo", "uid": 2001, "gid": 3],
            ]
            config.run(["/probe"])
            try box.prepare(config)
            let facts = try box.runBetweenNullAndLog()
            for name in ["null", "zero", "full", "random", "urandom", "tty"] {
                #expect(facts["dev"][name]["kind"] == "character", "\(name)")
                #expect(facts["dev"][name]["uid"] == 65534, "\(name)")
            }
            #expect(facts["descriptors"]["0"]["uid"] == 65534)
            // The sandbox looks at the host's devices at its end; here at the one that once changed.
            var status = stat()
            #expect(lstat("/dev/null", &status) == 0)
            #expect(status.st_uid == 0 && status.st_gid == 0)
            #expect(status.st_mode & 0o777 == 0o666)
        }
    }

    @Test func `a device that the host has not is an error`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["linux"]["devices"] = [
                ["type": "c", "path": "/dev/zero", "major": 1, "minor": 3]
            ]
            let other = try box.run(config)
            #expect(other.code == 125)
            #expect(
                other.error.contains("\"zero\" exists in the root file system and is something"),
                "\(other)")
            config["linux"]["devices"] = [
                ["type": "c", "path": "/dev/no-such", "major": 1, "minor": 250]
            ]
            let missing = try box.run(config)
            #expect(missing.code == 125 && missing.error.contains("the host has no"), "\(missing)")
        }
    }

    @Test func `what only root may enter is bound all the same`() throws {
        try Sandbox.use { box in
            try box.write("secret/inner/file", "bound\n")
            chmod(box.path("secret"), 0o700)
            var config = config(box)
            config["mounts"].append(Config.bind(box.path("secret/inner"), "/data", ["ro"]))
            config["mounts"].append(Config.bind(box.path("secret/inner/file"), "/etc/file"))
            let facts = try box.probe(config, ["read:/data/file", "read:/etc/file"])
            #expect(facts.found("read:/data/file") == "bound\n")
            #expect(facts.found("read:/etc/file") == "bound\n")
            #expect(facts.mount(on: "/data")?.options.contains("ro") == true)
        }
    }

    @Test func `without namespaces of its own it sees what the host has mounted, read-only`() throws
    {
        try Sandbox.use { box in
            var config = config(box)
            for kind in ["network", "ipc"] { config.share(kind) }
            let facts = try box.probe(
                config, ["write:/sys/kernel/mm/ksm/run=0", "mkdir:/sys/fs/cgroup/x"])
            #expect(facts["namespaces"]["net"].string == Host.namespace("net"))
            let below = facts.mounts.filter { $0.point == "/sys" || $0.point.hasPrefix("/sys/") }
            #expect(!below.isEmpty)
            for mount in below { #expect(mount.options.contains("ro"), "\(mount)") }
            #expect(facts.result("mkdir:/sys/fs/cgroup/x") == "EROFS")
        }
    }

    @Test func `exec enters it, as its root and as others`() throws {
        try Sandbox.use { box in
            try box.createAndStart(config(box))
            let root = try Facts(try box.command("exec", box.id(), "/probe"))
            #expect(root["uids"] == [0, 0, 0])
            let user = try Facts(try box.command("exec", "--user", "2001:5", box.id(), "/probe"))
            #expect(user["uids"] == [2001, 2001, 2001])
            #expect(user["gids"] == [5, 5, 5])
            #expect(user["namespaces"]["user"] == root["namespaces"]["user"])
            #expect(
                user["namespaces"]["user"].string == Host.link("/proc/\(try box.pid())/ns/user"))
            let unmapped = try box.command("exec", "--user", "1500", box.id(), "/probe")
            #expect(unmapped.code == 255)
            #expect(
                unmapped.error.contains("1500: invalid argument; it is not mapped"), "\(unmapped)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `it is in its control group with all limits`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["linux"]["resources"] = ["pids": ["limit": 40]]
            config["process"]["oomScoreAdj"] = 170
            let run = try box.createAndStart(config)
            let pid = try box.pid()
            #expect(Host.read("/proc/\(pid)/cgroup").contains(box.id()))
            #expect(Host.read("/proc/\(pid)/oom_score_adj") == "170\n")
            #expect(try box.succeed("ps", "--format", "json", box.id()).output == "[\(pid)]\n")
            try box.succeed("delete", "--force", box.id())
            _ = run
        }
    }

    @Test func `hooks run around it as around others`() throws {
        try Sandbox.use { box in
            box.mayChange = ["log"]
            try box.write("log", "", mode: 0o666)
            var config = config(box)
            let say = { (word: String) -> Value in
                [
                    "path": "/bin/sh",
                    "args": ["sh", "-c", .string("echo \(word) $(id -u) >>\(box.path("log"))")],
                    "env": ["PATH=/usr/bin:/bin"],
                ]
            }
            config["hooks"] = [
                "createRuntime": [say("createRuntime")],
                "createContainer": [say("createContainer")], "poststart": [say("poststart")],
            ]
            let outcome = try box.run(config, arguments: ["/bin/sh", "-c", "true"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("log") == "createRuntime 0\ncreateContainer 0\npoststart 0\n")
        }
    }

    @Test func `the kernel's parameters of its namespaces are set`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["linux"]["sysctl"] = [
                "net.ipv4.ip_forward": "1", "user.max_net_namespaces": "7",
                "kernel.domainname": "named", "kernel.msgmax": "9000",
            ]
            config["hostname"] = nil
            let facts = try box.probe(
                config,
                [
                    "read:/proc/sys/net/ipv4/ip_forward",
                    "read:/proc/sys/user/max_net_namespaces", "read:/proc/sys/kernel/msgmax",
                    "read:/proc/sys/kernel/domainname",
                ])
            #expect(facts.found("read:/proc/sys/net/ipv4/ip_forward") == "1\n")
            #expect(facts.found("read:/proc/sys/user/max_net_namespaces") == "7\n")
            #expect(facts.found("read:/proc/sys/kernel/msgmax") == "9000\n")
            #expect(facts.found("read:/proc/sys/kernel/domainname") == "named\n")
            #expect(Host.read("/proc/sys/user/max_net_namespaces") != "7\n")
        }
    }

    /// A directory of that name on the host's /dev is another file system's.
    @Test func `message queues of the host stand in only where the host has them mounted`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config.share("ipc")
            config["mounts"].append(Config.mount("/dev/mqueue", "mqueue", ["nosuid", "nodev"]))
            config.run(["grep", " /dev/mqueue ", "/proc/self/mountinfo"])
            let outcome = try box.run(config)
            if Host.read("/proc/self/mountinfo").contains(" /dev/mqueue ") {
                #expect(outcome.output.contains(" - mqueue "), "\(outcome)")
            } else {
                #expect(outcome.code == 125, "\(outcome)")
                #expect(outcome.error.contains("the host has not mounted it"), "\(outcome)")
            }
        }
    }

    // MARK: Joined

    /// A container that keeps a user namespace, and its pid.
    private func withHolder(_ box: Sandbox, _ body: (pid_t) throws -> Void) throws {
        try box.createAndStart(config(box))
        try body(try box.pid())
        try box.succeed("delete", "--force", box.id())
    }

    @Test func `one that exists is joined, and owns the new ones`() throws {
        try Sandbox.use { box in
            try withHolder(box) { pid in
                let path = "/proc/\(pid)/ns/user"
                var config = box.config()
                config["linux"]["namespaces"].append(["type": "user", "path": .string(path)])
                config["process"]["user"] = ["uid": 2001, "gid": 2001]
                let facts = try box.probe(config, ["create:/tmp/x", "stat:/tmp/x"])
                #expect(facts["namespaces"]["user"].string == Host.link(path))
                #expect(facts["namespaces"]["net"].string != Host.link("/proc/\(pid)/ns/net"))
                #expect(facts["uids"] == [2001, 2001, 2001])
                #expect(facts.found("stat:/tmp/x")["uid"] == 2001)
                #expect(facts["interfaces"]["lo"]["up"] == true)
            }
        }
    }

    @Test func `one that exists is joined with all that it owns`() throws {
        try Sandbox.use { box in
            try withHolder(box) { pid in
                var config = box.config()
                config["hostname"] = nil
                config["linux"]["namespaces"] = [["type": "mount"]]
                let kinds = [
                    "user": "user", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts",
                ]
                for (kind, name) in kinds {
                    config["linux"]["namespaces"].append([
                        "type": .string(kind), "path": .string("/proc/\(pid)/ns/\(name)"),
                    ])
                }
                let facts = try box.probe(config)
                for name in kinds.values {
                    #expect(
                        facts["namespaces"][name].string == Host.link("/proc/\(pid)/ns/\(name)"))
                }
            }
        }
    }

    @Test func `the host's namespaces are joined before a new one is entered`() throws {
        try Sandbox.use { box in
            let holder = try Running(Host.probe, ["--hold", "net", "uts"], input: .open)
            defer { holder.closeInput() }
            let pid = try holder.readLine()
            var config = config(box)
            config["hostname"] = nil
            for (kind, name) in [("network", "net"), ("uts", "uts")] {
                config.share(kind)
                config["linux"]["namespaces"].append([
                    "type": .string(kind), "path": .string("/proc/\(pid)/ns/\(name)"),
                ])
            }
            let facts = try box.probe(config)
            for name in ["net", "uts"] {
                #expect(facts["namespaces"][name].string == Host.link("/proc/\(pid)/ns/\(name)"))
            }
            #expect(facts["hostname"] == "held")
            #expect(facts["namespaces"]["user"].string != Host.namespace("user"))
        }
    }

    @Test func `other mappings than those of the one that is joined are an error`() throws {
        try Sandbox.use { box in
            try withHolder(box) { pid in
                var config = config(box)
                config.share("user")
                config["linux"]["namespaces"].append([
                    "type": "user", "path": .string("/proc/\(pid)/ns/user"),
                ])
                #expect(try box.probe(config)["uids"] == [0, 0, 0])
                config.mapIDs([["containerID": 0, "hostID": 1, "size": 1]], adds: false)
                let outcome = try box.run(config)
                #expect(outcome.code == 125)
                #expect(outcome.error.contains("has other id mappings than"), "\(outcome)")
            }
        }
    }

    @Test(arguments: ["/proc/self/ns/user", "/proc/self/ns/net", "/etc/passwd"])
    func `what cannot be joined is named`(_ path: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["namespaces"].append(["type": "user", "path": .string(path)])
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("is no user namespace, or the runtime's own"), "\(outcome)")
        }
    }

    // MARK: Id-mapped mounts

    @Test func `files of a mount have the ids that its mappings make`() throws {
        try Sandbox.use { box in
            try box.write("data/file", "x")
            chown(box.path("data/file"), 5, 6)
            var config = box.config()
            var mount = Config.bind(box.path("data"), "/data")
            mount["uidMappings"] = [["containerID": 0, "hostID": 3000, "size": 100]]
            mount["gidMappings"] = [["containerID": 0, "hostID": 4000, "size": 100]]
            config["mounts"].append(mount)
            let facts = try box.probe(config, ["stat:/data/file"])
            #expect(facts.found("stat:/data/file")["uid"] == 3005)
            #expect(facts.found("stat:/data/file")["gid"] == 4006)
        }
    }

    @Test(arguments: ["idmap", "ridmap"])
    func `without mappings of its own a mount takes the container's`(_ option: String) throws {
        try Sandbox.use { box in
            try box.write("data/file", "x")
            chown(box.path("data/file"), 5, 2006)
            box.mayChange = ["data/new", "data"]
            chmod(box.path("data"), 0o777)
            var config = config(box)
            config["mounts"].append(Config.bind(box.path("data"), "/data", [option]))
            let facts = try box.probe(config, ["stat:/data/file", "create:/data/new"])
            #expect(facts.found("stat:/data/file")["uid"] == 5)
            #expect(facts.found("stat:/data/file")["gid"] == 2006)
            var status = stat()
            #expect(lstat(box.path("data/new"), &status) == 0)
            #expect(status.st_uid == 0)
        }
    }

    @Test func `a file system that knows no id-mapped mounts is named`() throws {
        try Sandbox.use { box in
            var config = config(box)
            config["mounts"].append(Config.bind("/proc/bus", "/data", ["idmap"]))
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("does not know id-mapped mounts"), "\(outcome)")
        }
    }
}

extension Value {
    /// A user namespace with these mappings, of users and groups alike.
    mutating func mapIDs(_ mapping: Value = UserNamespaceTests.mapping, adds: Bool = true) {
        if adds { self["linux"]["namespaces"].append(["type": "user"]) }
        self["linux"]["uidMappings"] = mapping
        self["linux"]["gidMappings"] = mapping
    }
}
