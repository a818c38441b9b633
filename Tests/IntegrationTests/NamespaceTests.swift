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
            let facts = try box.probe(config)
            for (kind, name) in NamespaceTests.kinds where kind != "mount" {
                #expect(
                    facts["namespaces"][name].string == Host.link("/proc/\(pid)/ns/\(name)"),
                    "\(kind)")
            }
        }
    }

    @Test(arguments: [
        ("network", "/proc/self/ns/uts", "network"), ("uts", "/proc/self/ns/net", "uts"),
        ("pid", "/proc/self/ns/ipc", "pid"), ("ipc", "/etc/passwd", "ipc"),
        ("network", "/no/such/file", "no such file"), ("network", "relative", "absolute"),
        ("mount", "/proc/self/ns/mnt", "joined"), ("cgroup", "/proc/self/ns", "cgroup"),
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
