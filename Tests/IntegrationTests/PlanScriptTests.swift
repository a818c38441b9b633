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
            if hasUsers {
                config["linux"]["namespaces"].append(["type": "user"])
                for kind in ["uidMappings", "gidMappings"] {
                    config["linux"][kind] = [
                        ["containerID": 0, "hostID": 100_000, "size": 65536]
                    ]
                }
            }
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

    @Test func `a plan that no script can carry out is refused`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["namespaces"].append(["type": "time"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try Running(Host.runtime, ["plan", "--format", "sh", file]).finish()
            #expect(outcome.code == 1 && outcome.error.contains("time namespace"), "\(outcome)")
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
