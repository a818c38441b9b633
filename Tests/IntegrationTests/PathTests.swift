import Glibc
import Testing

/// Devices, masked and read-only paths, the root, sysctl.
struct PathTests {
    @Test func `a path that stands twice is masked once`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["maskedPaths"] = ["/etc/passwd", "/home", "/etc/passwd", "/home"]
            let facts = try box.probe(config)
            for path in ["/etc/passwd", "/home"] {
                #expect(facts.mounts.filter { $0.point == path }.count == 1, "\(path)")
            }
        }
    }

    @Test func `the default devices and links are there`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(
                box.config(), ["create:/dev/null=x", "read:/dev/null", "open-both:/dev/ptmx"])
            for (name, numbers) in [
                ("null", [1, 3]), ("zero", [1, 5]), ("full", [1, 7]), ("random", [1, 8]),
                ("urandom", [1, 9]), ("tty", [5, 0]),
            ] {
                let device = facts["dev"][name]
                #expect(device["kind"] == "character", "\(name)")
                #expect(device["major"].integer == Int64(numbers[0]), "\(name)")
                #expect(device["minor"].integer == Int64(numbers[1]), "\(name)")
                #expect(device["mode"] == 0o666, "\(name)")
                #expect(device["uid"] == 0 && device["gid"] == 0, "\(name)")
            }
            for (name, target) in [
                ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
            ] {
                #expect(facts["dev"][name]["target"] == .string(target), "\(name)")
            }
            #expect(facts.result("create:/dev/null") == "ok")
            #expect(facts.found("read:/dev/null") == "")
            #expect(facts.result("open-both:/dev/ptmx") == "ok")
        }
    }

    @Test(arguments: [
        ("/dev/fuse", "c", 10, 229, 0o600, 0, 0), ("/dev/deep/er/x", "c", 1, 5, 0o640, 1000, 5),
        ("/opt/block", "b", 7, 0, 0o660, 0, 6), ("/srv/pipe", "p", 0, 0, 0o622, 7, 8),
        ("/dev/unbuffered", "u", 1, 3, 0o777, 0, 0),
    ])
    func `a device may be anywhere, with mode and owner`(
        _ path: String, _ type: String, _ major: Int64, _ minor: Int64, _ mode: Int64,
        _ uid: Int64, _ gid: Int64
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["devices"] = [
                [
                    "type": .string(type), "path": .string(path), "major": .integer(major),
                    "minor": .integer(minor), "fileMode": .integer(mode), "uid": .integer(uid),
                    "gid": .integer(gid),
                ]
            ]
            config["process"]["user"]["umask"] = 0o077
            let facts = try box.probe(config, ["lstat:\(path)"])
            let found = facts.found("lstat:\(path)")
            let kinds = ["c": "character", "u": "character", "b": "block", "p": "fifo"]
            #expect(found["kind"].string == kinds[type])
            #expect(found["mode"] == .integer(mode))
            #expect(found["uid"] == .integer(uid) && found["gid"] == .integer(gid))
            if type != "p" {
                #expect(found["major"] == .integer(major) && found["minor"] == .integer(minor))
            }
        }
    }

    @Test func `masked files read as empty, masked directories are empty and read-only`() throws {
        try Sandbox.use { box in
            try box.write("layer/secret/file", "secret")
            try box.write("layer/second/file", "secret")
            try box.write("layer/plain", "secret")
            var config = box.config()
            config["linux"]["maskedPaths"] = [
                "/secret", "/second", "/plain", "/proc/version", "/proc/acpi", "/no/such/path",
                "/sys/firmware",
            ]
            let facts = try box.probe(
                config,
                [
                    "list:/secret", "list:/second", "create:/secret/x", "read:/plain",
                    "read:/proc/version", "list:/sys/firmware", "lstat:/no/such/path",
                ], options: ["--layer", box.path("layer")])
            #expect(facts.found("list:/secret") == [])
            #expect(facts.found("list:/second") == [])
            #expect(facts.found("list:/sys/firmware") == [])
            #expect(facts.result("create:/secret/x") == "EROFS")
            #expect(facts.found("read:/plain") == "")
            #expect(facts.found("read:/proc/version") == "")
            #expect(facts.result("lstat:/no/such/path") == "ENOENT")
        }
    }

    /// The whole of what the runtime has mounted, before and with parts of it.
    @Test func `all of /proc, /sys and /dev can be masked or protected`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["maskedPaths"] = ["/proc/version", "/sys", "/sys/firmware"]
            config["linux"]["readonlyPaths"] = ["/proc", "/proc/sys", "/dev", "/sys/kernel"]
            let facts = try box.probe(
                config,
                [
                    "list:/sys", "create:/dev/new", "read:/proc/version",
                    "open-write:/proc/sys/kernel/domainname", "open-write:/proc/self/comm",
                ])
            #expect(facts.found("list:/sys") == [])
            #expect(facts.result("create:/dev/new") == "EROFS")
            #expect(facts.found("read:/proc/version") == "")
            #expect(facts.result("open-write:/proc/sys/kernel/domainname") == "EROFS")
            #expect(facts.result("open-write:/proc/self/comm") == "EROFS")
        }
    }

    @Test func `links of the kernel in /proc and /sys lead to what is masked`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["maskedPaths"] = ["/proc/net/dev", "/sys/class/net/lo"]
            let facts = try box.probe(
                config, ["read:/proc/net/dev", "list:/sys/devices/virtual/net/lo"])
            #expect(facts.found("read:/proc/net/dev") == "")
            #expect(facts.found("list:/sys/devices/virtual/net/lo") == [])
        }
    }

    @Test func `read-only paths refuse writes and mounts below them do too`() throws {
        try Sandbox.use { box in
            try box.write("layer/data/file", "x")
            var config = box.config()
            config["mounts"].append(Config.mount("/data/volume", "tmpfs"))
            config["linux"]["readonlyPaths"] = ["/data", "/proc/sys", "/no/such/path", "/proc/bus"]
            let facts = try box.probe(
                config,
                [
                    "write:/data/file", "create:/data/new", "create:/data/volume/new",
                    "open-write:/proc/sys/kernel/hostname", "read:/data/file",
                ], options: ["--layer", box.path("layer")])
            for attempt in [
                "write:/data/file", "create:/data/new", "create:/data/volume/new",
                "open-write:/proc/sys/kernel/hostname",
            ] {
                #expect(facts.result(attempt) == "EROFS", "\(attempt)")
            }
            #expect(facts.found("read:/data/file") == "x")
        }
    }

    @Test func `a read-only root refuses writes, its mounts take them`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["root"]["readonly"] = true
            config["mounts"].append(Config.mount("/tmp", "tmpfs"))
            config["process"]["cwd"] = "/made"
            let facts = try box.probe(config, ["create:/new", "create:/tmp/new", "mkdir:/etc/x"])
            #expect(facts.result("create:/new") == "EROFS")
            #expect(facts.result("mkdir:/etc/x") == "EROFS")
            #expect(facts.result("create:/tmp/new") == "ok")
            #expect(facts.mount(on: "/")?.options.contains("ro") == true)
        }
    }

    @Test(arguments: [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward", "1"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward", "1"),
        ("net.ipv4.conf.lo.rp_filter", "net/ipv4/conf/lo/rp_filter", "2"),
        ("net.core.somaxconn", "net/core/somaxconn", "77"),
        ("kernel.msgmax", "kernel/msgmax", "4242"), ("kernel.shmmni", "kernel/shmmni", "123"),
        ("fs.mqueue.msg_max", "fs/mqueue/msg_max", "9"),
        ("kernel.domainname", "kernel/domainname", "by.sysctl"),
    ])
    func `a sysctl is set inside and nowhere else`(
        _ name: String, _ path: String, _ value: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["sysctl"] = .object([name: .string(value)])
            config["linux"]["readonlyPaths"] = ["/proc/sys"]
            let before = Host.read("/proc/sys/\(path)")
            let facts = try box.probe(config, ["sysctl:\(path)"])
            #expect(facts.found("sysctl:\(path)") == .string(value))
            #expect(Host.read("/proc/sys/\(path)") == before)
        }
    }

    @Test(arguments: [
        "kernel.core_pattern", "vm.swappiness", "kernel.panic", "net", "../x", "net..ipv4",
        "net.ipv4.no_such_thing", "kernel.core_pattern/../msgmax",
    ])
    func `a sysctl of the host is refused`(_ name: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["sysctl"] = .object([name: "1"])
            let outcome = try box.run(config)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("config.json:"), "\(outcome)")
        }
    }
}
