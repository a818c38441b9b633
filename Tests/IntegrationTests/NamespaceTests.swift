import Glibc
import Testing

/// `linux.namespaces`: new ones, joined ones, and those shared with the host.
struct NamespaceTests {
    /// The config's word and the kernel's.
    static let kinds = [
        "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt",
        "cgroup": "cgroup",
    ]

    @Test func `every namespace of the config is new, the others are the host's`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config())
            for kind in NamespaceTests.kinds.values {
                #expect(facts["namespaces"][kind].string != Host.namespace(kind), "\(kind)")
            }
            #expect(facts["namespaces"]["user"].string == Host.namespace("user"))
            #expect(facts["namespaces"]["time"].string == Host.namespace("time"))
        }
    }

    @Test(arguments: kinds.keys.filter { $0 != "mount" }.sorted())
    func `a namespace that the config leaves out is the host's`(_ kind: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share(kind)
            config["hostname"] = nil
            // sysfs may only be mounted by whoever owns the network namespace, which root does.
            let facts = try box.probe(config)
            let name = try #require(NamespaceTests.kinds[kind])
            #expect(facts["namespaces"][name].string == Host.namespace(name))
        }
    }

    @Test func `a config without a mount namespace is refused`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("mount")
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("mount"), "\(outcome)")
        }
    }

    /// A process that keeps a namespace of each kind, and its pid.
    private func holder() throws -> (Running, String) {
        let holder = try Running(
            Host.probe, ["--hold", "net", "ipc", "uts", "pid", "cgroup"], input: .open)
        return (holder, try holder.readLine())
    }

    @Test(arguments: kinds.keys.filter { $0 != "mount" }.sorted())
    func `a namespace is joined by its path`(_ kind: String) throws {
        let (holder, pid) = try holder()
        defer { holder.closeInput() }
        try Sandbox.use { box in
            let name = try #require(NamespaceTests.kinds[kind])
            let path = "/proc/\(pid)/ns/\(name)"
            let expected = Host.link(path)
            var config = box.config()
            config.share(kind)
            if kind == "uts" { config["hostname"] = nil }
            config["linux"]["namespaces"].append(["type": .string(kind), "path": .string(path)])
            let facts = try box.probe(config)
            #expect(facts["namespaces"][name].string == expected)
            if kind == "uts" { #expect(facts["hostname"] == "held") }
            if kind == "pid" { #expect(facts["pid"].integer ?? 0 > 1) }
        }
    }

    @Test func `all namespaces are joined at once`() throws {
        let (holder, pid) = try holder()
        defer { holder.closeInput() }
        try Sandbox.use { box in
            var config = box.config()
            config["hostname"] = nil
            config["linux"]["namespaces"] = [["type": "mount"]]
            for (kind, name) in NamespaceTests.kinds where kind != "mount" {
                config["linux"]["namespaces"].append(
                    ["type": .string(kind), "path": "/proc/\(pid)/ns/\(name)"])
            }
            let facts = try box.probe(config, ["read:/proc/1/comm"])
            let holder = Host.read("/proc/\(pid)/comm")
            #expect(
                facts.found("read:/proc/1/comm").string == holder,
                "proc shows another pid namespace")
            for (kind, name) in NamespaceTests.kinds where kind != "mount" {
                #expect(
                    facts["namespaces"][name].string == Host.link("/proc/\(pid)/ns/\(name)"),
                    "\(kind)")
            }
        }
    }

    /// The root and the mounts of another container.
    private func joining(_ pid: pid_t, _ words: [String] = ["/probe"]) -> Value {
        var config = Config.minimal(root: "/")
        config["mounts"] = nil
        config["hostname"] = nil
        config["process"]["cwd"] = "/tmp"
        config["linux"]["namespaces"] = [
            ["type": "mount", "path": "/proc/\(pid)/ns/mnt"],
            ["type": "pid", "path": "/proc/\(pid)/ns/pid"], ["type": "network"],
        ]
        config.run(words)
        return config
    }

    @Test(arguments: ["one-shot", "run", "create"])
    func `a mount namespace is joined as it is, and stays so`(_ form: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let pid = try box.pid()
            let mounts = Host.read("/proc/\(pid)/mountinfo")
            let config = joining(
                pid, ["sh", "-c", "echo here > other; cat /tmp/other; readlink /proc/self/ns/mnt"])
            let other = box.id("other")
            let output: String
            switch form {
            case "one-shot": output = try box.start(config).finish().output
            case "run":
                try box.prepare(config)
                output = try box.succeed("run", other).output
            default:
                try box.prepare(config)
                let run = try box.launch(["create", other])
                #expect(try run.finish().code == 0)
                #expect(try box.succeed("exec", other, "cat", "/proc/1/comm").output == "probe\n")
                try box.succeed("start", other)
                output = try run.readToEnd()
                try box.succeed("delete", "--force", other)
            }
            #expect(output == "here\n\(Host.link("/proc/\(pid)/ns/mnt") ?? "none")\n")
            #expect(Host.read("/proc/\(pid)/mountinfo") == mounts)
            #expect(try box.succeed("exec", box.id(), "cat", "/tmp/other").output == "here\n")
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    static let joinedMounts: [(String, @Sendable (inout Value) -> Void)] = [
        ("the root has to be \"/\"", { $0["root"]["path"] = "/tmp" }),
        ("the root cannot be an overlay", { $0["vfs"]["overlay"] = true }),
        ("the root cannot be made read-only", { $0["root"]["readonly"] = true }),
        ("the container can have no mounts", { $0["mounts"] = [Config.proc] }),
        (
            "the container can have no devices",
            { $0["linux"]["devices"] = [["path": "/dev/x", "type": "c", "major": 1, "minor": 3]] }
        ),
        (
            "no path can be masked or made read-only",
            { $0["linux"]["maskedPaths"] = ["/proc/kcore"] }
        ),
        (
            "no path can be masked or made read-only",
            { $0["linux"]["readonlyPaths"] = ["/proc/sys"] }
        ),
        ("the propagation cannot be set", { $0["linux"]["rootfsPropagation"] = "private" }),
        (
            "a createContainer hook cannot run before the change of the root",
            { $0["hooks"]["createContainer"] = [["path": "/bin/true"]] }
        ),
        (
            "a new time namespace cannot be combined with it",
            { $0["linux"]["namespaces"].append(["type": "time"]) }
        ),
        (
            "this is the host's mount namespace",
            { $0["linux"]["namespaces"][0]["path"] = "/proc/self/ns/mnt" }
        ),
        ("enter /none", { $0["process"]["cwd"] = "/none" }),
    ]

    @Test(arguments: joinedMounts.indices)
    func `what would change a mount namespace that is joined is refused`(_ index: Int) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let (words, change) = NamespaceTests.joinedMounts[index]
            var config = try joining(box.pid())
            change(&config)
            let outcome = try box.start(config).finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains(words), "\(outcome)")
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: [
        ("network", "/proc/self/ns/uts", "network"), ("uts", "/proc/self/ns/net", "uts"),
        ("pid", "/proc/self/ns/ipc", "pid"), ("ipc", "/etc/passwd", "ipc"),
        ("network", "/no/such/file", "no such file"), ("network", "relative", "absolute"),
        ("mount", "/proc/self/ns/mnt", "an existing mount namespace is not changed"),
        ("cgroup", "/proc/self/ns", "cgroup"),
    ])
    func `a path that is no such namespace is named`(
        _ kind: String, _ path: String, _ word: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share(kind)
            config["hostname"] = nil
            config["linux"]["namespaces"].append(["type": .string(kind), "path": .string(path)])
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains(word), "\(outcome)")
            // The line of the path, or the path itself.
            #expect(outcome.error.contains("config.json:"), "\(outcome)")
        }
    }

    @Test func `in a new network namespace there is a loopback interface, and it is up`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config())
            #expect(facts["interfaces"]["lo"] == ["up": true, "loopback": true])
            let up = (facts["interfaces"].object ?? [:]).filter { $0.value["up"] == true }
            #expect(Set(up.keys) == ["lo"])
        }
    }

    @Test func `host name and domain name are the container's`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["hostname"] = "inside"
            config["domainname"] = "example.org"
            let facts = try box.probe(config)
            #expect(facts["hostname"] == "inside")
            #expect(facts["domainname"] == "example.org")
        }
    }

    @Test func `a host name without an own uts namespace is refused`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("uts")
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("uts"), "\(outcome)")
        }
    }
}
