import Glibc
import Testing

/// `plan --format sh`, `--tree`, `--compare`.
struct PlanScriptTests {
    /// What a program sees of one mount, without the numbers of this start.
    private static func seen(_ mounts: [MountEntry]) -> [String] {
        mounts.map { mount in
            // Where the layers and the upper lie on the host differs.
            let own = mount.superOptions.filter { !$0.contains("dir") && !$0.hasPrefix("size") }
            return "\(mount.point) \(mount.root) \(mount.type) \(mount.options.sorted())"
                + " \(mount.propagation) \(own.sorted())"
        }.sorted()
    }

    private static let keys = [
        "uids", "gids", "groups", "capabilities", "rlimits", "noNewPrivileges", "cwd", "args",
        "umask", "hostname", "pid", "sid", "interfaces", "seccomp", "oomScoreAdj",
    ]

    @Test func `a variable is no option of a command`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["env"] = ["--split-string=x"]
            let file = try box.write("bundle/config.json", config.prettyText)
            let script = try Running(Host.runtime, ["plan", "--format", "sh", file]).finish()
            #expect(script.output.contains("exec env -i -- '--split-string=x'"), "\(script)")
        }
    }

    @Test(arguments: [false, true])
    func `the script of a plan starts a container like the real one`(hasUsers: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            // Values that a shell would obey.
            let words = ["a b", "$(touch /tmp/x)", "it's; \"x\" `y` \\", "", "new\nline", "-n"]
            config.run(["/probe"])
            config["process"]["env"].append(.string("HOSTILE=';$(reboot)' \"\\"))
            config["hostname"] = "box-1"
            config["process"]["rlimits"] = [
                ["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200],
                ["type": "RLIMIT_CORE", "soft": 0, "hard": 0],
            ]
            config["process"]["user"]["additionalGids"] = [5, 7]
            config["process"]["cwd"] = "/work dir/it's"
            config["linux"]["maskedPaths"] = ["/proc/keys", "/sys/firmware"]
            config["linux"]["readonlyPaths"] = ["/proc/sys"]
            config["linux"]["resources"] = ["pids": ["limit": 50]]
            config["mounts"].append(Config.bind(box.path("shared"), "/bound", ["ro", "nosuid"]))
            if hasUsers { config.mapUsers() }
            _ = try box.makeDirectory("shared")
            let file = try box.write("bundle/config.json", config.prettyText)
            let real = try Facts(try Running(Host.runtime, [file]).finish())
            let script = try Running(
                Host.runtime, ["plan", "--format", "sh", file]
            ).finish()
            #expect(script.code == 0, "\(script)")
            box.mayChange.insert("start.sh")
            let path = try box.write("start.sh", script.output)
            let byHand = try Facts(try Running("/bin/sh", [path]).finish())

            #expect(PlanScriptTests.seen(byHand.mounts) == PlanScriptTests.seen(real.mounts))
            for key in PlanScriptTests.keys {
                #expect(byHand[key] == real[key], "\(key)")
            }
            func variables(_ facts: Facts) -> Set<String> {
                Set((facts["env"].array ?? []).compactMap(\.string))
            }
            #expect(variables(byHand) == variables(real))
            let (own, other) = (
                real["namespaces"].object ?? [:], byHand["namespaces"].object ?? [:]
            )
            #expect(!own.isEmpty && Set(own.keys) == Set(other.keys))
            for (kind, name) in own {
                let host = Host.namespace(kind)
                #expect((name == .string(host)) == (other[kind] == .string(host)), "\(kind)")
            }
            // Each argument arrives as it is.
            config.run(
                ["/bin/sh", "-c", "printf '%s|' \"$@\"; cat /proc/self/cgroup", "sh"] + words)
            let second = try box.write("bundle/config.json", config.prettyText)
            let again = try Running(
                Host.runtime, ["plan", "--format", "sh", second]
            ).finish()
            let outcome = try Running(
                "/bin/sh", [try box.write("start.sh", again.output)]
            ).finish()
            #expect(outcome.output.hasPrefix(words.joined(separator: "|") + "|"), "\(outcome)")
            #expect(outcome.code == 0)
            #expect(
                !outcome.output.contains("by-hand"), "the control group is the namespace's root")
        }
    }

    private func script(_ box: Sandbox, _ config: Value) throws -> (file: String, script: String) {
        let file = try box.write("bundle/config.json", config.prettyText)
        let plan = try Running(Host.runtime, ["plan", "--format", "sh", file]).finish()
        try #require(plan.code == 0, "\(plan)")
        box.mayChange.insert("start.sh")
        return (file, try box.write("start.sh", plan.output))
    }

    @Test(arguments: [false, true])
    func `a time namespace has the same clocks`(hasUsers: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["namespaces"].append(["type": "time"])
            config["linux"]["timeOffsets"] = [
                "monotonic": ["secs": 1234], "boottime": ["secs": 5678],
            ]
            if hasUsers { config.mapUsers() }
            config.run(
                [
                    "/bin/sh", "-c",
                    "readlink /proc/self/ns/time; cat /proc/self/timens_offsets; id -u; cat"
                        + " /proc/self/uid_map",
                ])
            let (file, script) = try script(box, config)
            let real = try Running(Host.runtime, [file]).finish()
            let byHand = try Running("/bin/sh", [script]).finish()
            func told(_ outcome: Outcome) -> [String] {
                outcome.output.split(separator: "\n").dropFirst().map(String.init)
            }
            #expect(told(real).contains { $0.hasSuffix(" 1234         0") }, "\(real)")
            #expect(told(real) == told(byHand), "\(byHand)")
            for outcome in [real, byHand] {
                #expect(!outcome.output.hasPrefix(Host.namespace("time") + "\n"), "\(outcome)")
            }
        }
    }

    /// Those of the program's control group, by file.
    private func values(_ arguments: [String], _ box: Sandbox) throws -> [String: String] {
        let run = try Running(arguments[0], Array(arguments.dropFirst()), input: .open)
        #expect(try run.readLine() == "ready")
        defer {
            run.closeInput()
            _ = try? run.finish()
        }
        let pid = try #require(
            HostProcess.all.first {
                let words = Host.read("/proc/\($0)/cmdline")
                return words.hasPrefix("/bin/sh\0-c\0echo") && words.contains(box.id())
            })
        var values: [String: String] = [:]
        let files = [
            ("memory", ["memory.limit_in_bytes", "memory.max", "memory.swap.max"]),
            ("pids", ["pids.max"]),
            (
                "cpu",
                ["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "cpu.max", "cpu.weight"]
            ),
            ("cpuset", ["cpuset.cpus"]), ("devices", ["devices.list"]),
        ]
        for (controller, names) in files {
            guard
                let group = ControlGroups.path(of: pid, controller)
                    ?? ControlGroups.path(of: pid, "")
            else { continue }
            for name in names where access("\(group)/\(name)", F_OK) == 0 {
                values[name] = Host.read("\(group)/\(name)")
            }
        }
        return values
    }

    @Test func `the control group has the same limits and filters the same devices`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = [
                "pids": ["limit": 50], "memory": ["limit": 67_108_864],
                "cpu": ["quota": 20000, "period": 100_000, "shares": 512, "cpus": "0"],
                "devices": [
                    ["allow": false, "access": "rwm"],
                    ["allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"],
                ],
            ]
            config.run(["/bin/sh", "-c", "echo ready; read word; : \(box.id())"])
            let (file, script) = try script(box, config)
            let real = try values([Host.runtime, file], box)
            #expect(real.count >= 4, "\(real)")
            #expect(try values(["/bin/sh", script], box) == real)
            // Version 2 has no file for devices, and the script says so.
            let words = Host.read(script)
            #expect(words.contains("device_rule 'devices.allow' 'c 1:11 r'"), "\(words)")
            #expect(words.contains("no command makes one"))
        }
    }

    /// mount(8) maps ids since 2.39: one that says that it can, and writes down what it is told, stands
    /// in for it.
    @Test func `layers have the container's ids where mount can map them`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.mapUsers()
            config.run(["/bin/sh", "-c", "stat -c %u /bin"])
            let (_, script) = try script(box, config)
            let warned = try Running("/bin/sh", [script]).finish()
            #expect(warned.code == 0, "\(warned)")
            box.mayChange.formUnion(["bin", "said"])
            let stand = try box.write(
                "bin/mount",
                """
                #!/bin/sh
                case "$*" in
                --version) echo "mount from util-linux 2.41 (libmount 2.41: idmapping)" ;;
                *X-mount.idmap*) echo "$@" >> '\(box.path("said"))'; exec /bin/mount "$@" ;;
                *) exec /bin/mount "$@" ;;
                esac
                """)
            chmod(stand, 0o755)
            let path = "PATH=\(box.path("bin")):/usr/sbin:/usr/bin:/sbin:/bin"
            let outcome = try Running("/bin/sh", [script], environment: [path]).finish()
            #expect(outcome.code == 0 && !outcome.error.contains("belong to nobody"), "\(outcome)")
            let said = box.read("said").split(separator: "\n")
            #expect(said.count == 2, "\(said)")
            #expect(
                said.allSatisfy {
                    $0.hasPrefix("--bind -o X-mount.idmap=u:0:100000:65536 g:0:100000:65536 -- ")
                }, "\(said)")
        }
    }

    @Test func `a plan that no script can carry out is refused`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["namespaces"] = .array(
                (config["linux"]["namespaces"].array ?? []).map {
                    $0["type"] == "network"
                        ? ["type": "network", "path": "/proc/self/ns/net"] : $0
                } + [["type": "time"]])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try Running(Host.runtime, ["plan", "--format", "sh", file]).finish()
            #expect(
                outcome.code == 1 && outcome.error.contains("none that is joined"), "\(outcome)")
            let unknown = try Running(Host.runtime, ["plan", "--format", "xml", file]).finish()
            #expect(unknown.code == 1 && unknown.error.contains("use text, json or sh"))
        }
    }

    @Test func `a tree has every mount below the one that it lies in`() throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let tree = try Running(Host.runtime, ["plan", "--tree", file]).finish()
            #expect(tree.code == 0, "\(tree)")
            let lines = tree.output.split(separator: "\n").map(String.init)
            let names = ["/", "├─ /dev", "│  └─ /dev/pts", "├─ /proc", "└─ /sys"]
            #expect(lines.count == names.count)
            for (line, name) in zip(lines, names) { #expect(line.hasPrefix(name + " "), "\(line)") }
            #expect(lines.allSatisfy { $0.hasSuffix(")") })
        }
    }

    @Test func `a comparison tells what differs, and nothing of what follows`() throws {
        try Sandbox.use { box in
            box.mayChange.insert("old.json")
            var config = box.config()
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200]]
            let old = try box.write("bundle/old.json", config.prettyText)
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 90, "hard": 200]]
            config["hostname"] = .null
            config["mounts"].append(Config.bind(box.path("shared"), "/bound", ["ro"]))
            let new = try box.write("bundle/config.json", config.prettyText)
            func compare(_ options: [String]) throws -> [String] {
                let outcome = try Running(Host.runtime, ["plan"] + options).finish()
                #expect(outcome.code == 0, "\(outcome)")
                return outcome.output.split(separator: "\n").map { String($0) }
            }
            #expect(try compare(["--compare", old, old]).isEmpty)
            let lines = try compare(["--compare", old, new])
            #expect(
                lines.filter { $0.hasPrefix("- ") }.map { $0.contains("set the host name box") }
                    == [true])
            #expect(
                lines.contains {
                    $0.hasPrefix("+ container  mount \(box.path("shared")) on /bound")
                })
            #expect(lines.contains { $0.hasPrefix("~ container  limit RLIMIT_NOFILE to 100,") })
            #expect(lines.contains { $0.hasPrefix("  becomes    limit RLIMIT_NOFILE to 90,") })
            #expect(lines.count == 5, "\(lines)")
            // With and without an option.
            let kept = try compare(["--compare", old, "--upper", box.path("kept"), old])
            #expect(kept.contains { $0.hasPrefix("~ container  mount overlay on /") }, "\(kept)")
        }
    }
}

extension Value {
    /// With a user namespace, whose ids are those from 100000 on.
    fileprivate mutating func mapUsers() {
        self["linux"]["namespaces"].append(["type": "user"])
        for kind in ["uidMappings", "gidMappings"] {
            self["linux"][kind] = [["containerID": 0, "hostID": 100_000, "size": 65536]]
        }
    }
}
