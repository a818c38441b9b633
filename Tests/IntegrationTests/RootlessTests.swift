import Foundation
import Glibc
import Testing

/// Containers of somebody who is not root, from the configs that root would run.
struct RootlessTests {
    @Test func `an ordinary user's config simply works`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.run([
                "/probe", "read:/proc/self/uid_map", "create:/new", "stat:/new",
                "read:/proc/self/setgroups",
            ])
            let facts = try Facts(try box.watchingFiles { try box.runOrdinary(config) })
            #expect(facts["uids"] == [0, 0, 0])
            #expect(facts["gids"] == [0, 0, 0])
            #expect(facts["pid"] == 1)
            #expect(facts["hostname"] == "box")
            #expect(words(facts.found("read:/proc/self/uid_map")) == ["0", own, "1"])
            #expect(facts.found("read:/proc/self/setgroups") == "deny\n")
            #expect(facts.found("stat:/new")["uid"] == 0)
            for kind in ["user", "pid", "net", "ipc", "uts", "mnt", "cgroup"] {
                #expect(facts["namespaces"][kind].string != Host.namespace(kind), "\(kind)")
            }
            for name in ["null", "zero", "full", "random", "urandom", "tty"] {
                #expect(facts["dev"][name]["kind"] == "character", "\(name)")
            }
            #expect(
                facts.capabilities("effective") == [
                    Capability.kill, Capability.bindService, Capability.auditWrite,
                ])
            #expect(facts["noNewPrivileges"] == 1)
            // The standard streams, and the one that looks.
            #expect(facts["descriptors"].object?.count == 3, "\(facts["descriptors"])")
            #expect(facts["interfaces"]["lo"]["up"] == true)
        }
    }

    private var own: String { "\(OrdinaryUser.id)" }

    private func words(_ value: Value) -> [String] {
        (value.string ?? "").split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    @Test func `what is written is thrown away, and nothing is left`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let outcome = try box.watchingFiles {
                try box.runOrdinary(
                    box.ordinaryConfig(),
                    shell: "/bin/busybox rm -rf /bin/cat /etc; echo x >/new;"
                        + " [ ! -e /etc ] && echo gone")
            }
            #expect(outcome.output == "gone\n", "\(outcome)")
        }
    }

    @Test func `a program that is not root is its user too`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["process"]["user"] = ["uid": 1000, "gid": 100]
            config.run(["/probe", "create:/new"])
            let facts = try Facts(try box.runOrdinary(config))
            #expect(facts["uids"] == [1000, 1000, 1000])
            #expect(facts["gids"] == [100, 100, 100])
            #expect(facts.result("create:/new") == "ok")
        }
    }

    @Test func `ids that are set aside are the container's`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.grant(["CAP_CHOWN"])
            config["process"]["user"]["additionalGids"] = [7]
            let outcome = try box.runOrdinary(
                config, OrdinaryUser(hasSubordinates: true),
                options: ["--upper", box.path("keep")],
                shell: "/bin/cat /proc/self/uid_map /proc/self/gid_map; /bin/busybox id -G;"
                    + " echo x >/new; /bin/busybox chown 1000:1001 /new")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(
                words(.string(outcome.output)) == [
                    "0", own, "1", "1", "300000", "65536", "0", own, "1", "1", "400000", "1000",
                    "1001", "500000", "64536", "0", "7",
                ])
            var status = stat()
            #expect(lstat(box.path("keep/upper/new"), &status) == 0)
            #expect(status.st_uid == 300_999)
            #expect(status.st_gid == 500_000)
        }
    }

    @Test func `ids that a directory service sets aside are the container's too`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let outcome = try box.runOrdinary(
                box.ordinaryConfig(), OrdinaryUser(hasSubordinates: true, hasService: true),
                shell: "/bin/cat /proc/self/uid_map /proc/self/gid_map")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(
                words(.string(outcome.output)) == [
                    "0", own, "1", "1", "600000", "65536", "0", own, "1", "1", "700000", "65536",
                ], "\(outcome)")
        }
    }

    @Test func `a kept upper is found again, and is the user's`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let keep = ["--upper", box.path("keep")]
            let config = box.ordinaryConfig()
            let first = try box.runOrdinary(
                config, options: keep,
                shell: "echo one >/kept; /bin/busybox rm -r /etc; /bin/busybox mkdir /etc;"
                    + " echo x >/etc/x")
            #expect(first.code == 0, "\(first)")
            let second = try box.runOrdinary(
                config, options: keep, shell: "/bin/cat /kept; /bin/ls /etc")
            #expect(second.output == "one\nx\n", "\(second)")
            var status = stat()
            #expect(lstat(box.path("keep/upper/kept"), &status) == 0)
            #expect(status.st_uid == OrdinaryUser.id)
        }
    }

    @Test func `the plan shows what was added`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let file = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            let outcome = try box.startOrdinary(["plan", "--json", file]).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let steps = try Value(parsing: outcome.output).array ?? []
            let added = steps.filter { $0["origin"] == "rootless" }.map { $0["does"].string }
            #expect(added.first == "run from a binary that the container cannot write")
            #expect(added.contains("map users 0 to \(own) and groups 0 to \(own)"))
            #expect(added.contains { $0?.hasPrefix("bind the default devices") == true })
        }
    }

    @Test func `the plan shows what is the host's, and what is left out`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            let kinds = config["linux"]["namespaces"].array ?? []
            config["linux"]["namespaces"] = .array(kinds.filter { $0["type"] != "network" })
            config["mounts"].append(Config.sys)
            config["mounts"].append(
                Config.mount("/dev/pts", "devpts", ["newinstance", "gid=5", "mode=0620"]))
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.startOrdinary(["plan", "--json", file]).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let steps = try Value(parsing: outcome.output).array ?? []
            let bound = steps.first { $0["does"].string?.contains("sysfs on /sys") == true }
            #expect(bound?["does"].string?.hasPrefix("bind the host's sysfs on /sys") == true)
            #expect(bound?["origin"] == "rootless")
            let terminals = steps.last { $0["does"].string?.contains("devpts") == true }
            #expect(terminals?["does"] == "mount devpts on /dev/pts newinstance,mode=0620")
        }
    }

    @Test func `a container with a name lives its whole life`() throws {
        try Sandbox.use { box in
            let created = try named(box)
            func run(_ words: String...) throws -> Outcome {
                try box.startOrdinary(words).finish()
            }
            #expect(try run("state", "life").output.contains("\"created\""))
            let early = try run("exec", "life", "/probe")
            #expect(early.error.contains("start it first"), "\(early)")
            #expect(try run("start", "life").code == 0)
            #expect(try created.readLine() == "ready")
            let pid = try Value(parsing: try run("state", "life").output)["pid"].integer ?? 0
            let facts = try Facts(try run("exec", "life", "/probe"))
            #expect(facts["uids"] == [0, 0, 0])
            #expect(facts["namespaces"]["user"].string == Host.link("/proc/\(pid)/ns/user"))
            #expect(try run("ps", "--format", "json", "life").output == "[\(pid)]\n")
            #expect(try run("list", "--quiet").output == "life\n")
            #expect(try run("pause", "life").error.contains("has no control group"))
            #expect(try run("kill", "life", "KILL").code == 0)
            #expect(HostProcess.waitForEnd(of: pid_t(pid)))
            #expect(try run("delete", "life").code == 0)
            #expect(TreeSnapshot.names(in: box.path("states/vfs-run")) == [])
        }
    }

    /// A container of the name `life`, created.
    private func named(_ box: Sandbox, ownBinary: Bool = false) throws -> Running {
        try box.prepareOrdinary()
        if ownBinary { chown(box.path("vfs-run"), OrdinaryUser.id, OrdinaryUser.id) }
        var config = box.ordinaryConfig()
        config["vfs"]["overlay"] = true
        config.run(["/probe", "--wait"])
        try box.write("bundle/config.json", config.prettyText)
        let created = try box.startOrdinary(
            ["create", "--bundle", box.bundle, "life"], input: .open)
        let outcome = try created.finish()
        try #require(outcome.code == 0, "\(outcome)")
        return created
    }

    @Test func `its terminal is its own`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["process"]["terminal"] = true
            config.run(["/probe"])
            try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.startOrdinary(["run", "--bundle", box.bundle, "terminal"])
                .finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains("\"hasControllingTerminal\": true"), "\(outcome)")
        }
    }

    // MARK: What keeps it from working

    @Test func `limits that cannot hold are an error`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            // What every engine writes, and nobody who may make no device needs.
            config["linux"]["resources"] = ["devices": [["allow": false, "access": "rwm"]]]
            #expect(try box.runOrdinary(config, shell: ":").code == 0)
            config["linux"]["resources"]["memory"] = ["limit": 100_000_000]
            let outcome = try box.runOrdinary(config, shell: ":")
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("limits require a control group that belongs to this user"),
                "\(outcome)")
        }
    }

    @Test func `more ids than there are set aside are an error`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.mapIDs([["containerID": 0, "hostID": 700_000, "size": 10]])
            let none = try box.runOrdinary(config)
            #expect(none.code == 125)
            #expect(none.error.contains("newuidmap and newgidmap"), "\(none)")
            let others = try box.runOrdinary(config, OrdinaryUser(hasSubordinates: true))
            #expect(others.error.contains("does not give these ids"), "\(others)")
        }
    }

    @Test func `user namespaces that are switched off are named`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let file = try box.write("bundle/config.json", box.ordinaryConfig().prettyText)
            // The limit is that of a user namespace above: the machine's stays as it is.
            let outcome = try Running(
                try #require(Host.find("unshare")),
                [
                    "--user", "--map-root-user", "/bin/sh", "-c",
                    "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\" \"$1\"",
                    box.path("vfs-run"), file,
                ]
            ).finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("user.max_user_namespaces is 0"), "\(outcome)")
        }
    }

    @Test func `--rootless=false requires root`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            let outcome = try box.runOrdinary(
                box.ordinaryConfig(), options: ["--rootless", "false"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("--rootless=false requires root"), "\(outcome)")
        }
    }

    @Test func `mapping the ids of a mount requires root`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["mounts"].append(Config.bind("/tmp", "/data", ["idmap"]))
            let outcome = try box.runOrdinary(config)
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("mapping the ids of a mount requires root"), "\(outcome)")
        }
    }

    // MARK: Its own binary, and other user namespaces

    /// CVE-2019-5736, where nothing can be mounted.
    @Test func `a binary of the user's own is run from a copy in memory`() throws {
        try Sandbox.use { box in
            let created = try named(box, ownBinary: true)
            let state = try box.startOrdinary(["state", "life"]).finish()
            let pid = try Value(parsing: state.output)["pid"].integer ?? 0
            #expect(Host.link("/proc/\(pid)/exe")?.hasPrefix("/memfd:vfs-run") == true)
            #expect(try box.startOrdinary(["delete", "--force", "life"]).finish().code == 0)
            _ = created
        }
    }

    @Test(arguments: [
        ["--user", "--map-root-user", "--mount"], ["--user", "--map-root-user"],
    ])
    func `it works inside another user namespace`(_ options: [String]) throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.run(["/probe", "create:/x"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try Running(
                try #require(Host.find("unshare")), options + [box.path("vfs-run"), file]
            ).finish()
            let facts = try Facts(outcome)
            #expect(facts["uids"] == [0, 0, 0])
            #expect(facts.result("create:/x") == "ok")
            #expect(facts["dev"]["null"]["kind"] == "character")
        }
    }

    // MARK: Beside crun

    @Test(arguments: [false, true])
    func `crun sees the same for the same bundle`(_ hasSubordinates: Bool) throws {
        guard let crun = Host.find("crun") else { try skip("crun is not installed") }
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            var identity: Value = [
                ["containerID": 0, "hostID": .integer(Int64(OrdinaryUser.id)), "size": 1]
            ]
            var groups = identity
            if hasSubordinates {
                identity.append(["containerID": 1, "hostID": 300_000, "size": 65536])
                groups.append(["containerID": 1, "hostID": 400_000, "size": 1000])
                config["process"]["user"] = ["uid": 7, "gid": 8, "additionalGids": [9, 10]]
            }
            config.mapIDs(identity)
            config["linux"]["gidMappings"] = groups
            // crun 1.8 knows no newer one.
            config["ociVersion"] = "1.0.2"
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 99, "hard": 100]]
            config["mounts"] = [
                Config.proc, Config.dev, Config.sys,
                Config.mount(
                    "/dev/pts", "devpts",
                    ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            ]
            let tried = [
                "read:/proc/self/uid_map", "read:/proc/self/gid_map", "read:/proc/self/setgroups",
                "create:/new", "create:/tmp/new", "stat:/tmp/new",
                "write:/proc/sys/kernel/hostname",
            ]
            config.run(["/probe"] + tried)
            try box.write("bundle/config.json", config.prettyText)
            let found = try [box.path("vfs-run"), crun].map { path in
                try Facts(
                    try box.startOrdinary(
                        ["run", "--bundle", box.bundle, "peer"],
                        // newuidmap, which crun calls, wants to know the user's name.
                        as: OrdinaryUser(hasSubordinates: true, seesUnifiedGroups: true),
                        program: path
                    ).finish())
            }
            for key in [
                "pid", "uids", "gids", "groups", "hostname", "domainname", "capabilities", "cwd",
                "args", "umask", "noNewPrivileges", "rlimits", "interfaces", "dumpable",
            ] {
                #expect(found[0][key] == found[1][key], "\(key)")
            }
            for key in tried where !key.hasPrefix("stat:") {
                #expect(found[0].result(key) == found[1].result(key), "\(key)")
            }
            for key in tried.prefix(3) {
                #expect(found[0].found(key) == found[1].found(key), "\(key)")
            }
            for key in ["uid", "gid", "mode"] {
                let made = "stat:/tmp/new"
                #expect(found[0].found(made)[key] == found[1].found(made)[key], "\(key)")
            }
            let names = found.map { Set(($0["dev"].object ?? [:]).keys) }
            // crun makes /dev/core, a door to the kernel's memory.
            #expect(names[0] == names[1].subtracting(["core"]))
            for name in names[0] {
                for key in ["kind", "mode", "uid", "gid", "major", "minor"] {
                    #expect(
                        found[0]["dev"][name][key] == found[1]["dev"][name][key], "\(name) \(key)")
                }
            }
        }
    }
}
