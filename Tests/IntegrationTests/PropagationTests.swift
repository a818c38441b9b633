import JSON
import Testing

/// What a start mounts stays in the container, on a host whose mounts are shared too (as systemd
/// leaves them).
@Suite struct PropagationTests {
    /// Starts a container in a mount namespace of shared mounts, waits until its program runs, and
    /// tells what that namespace has more of than before, then and at its end, and what less.
    private func mountsThatChange(
        _ box: Sandbox, _ config: Value, before command: String = ""
    ) throws -> (String, Outcome) {
        var config = config
        config.run(["/bin/sh", "-c", "\(command)echo ready; read line"])
        let file = try box.write("bundle/config.json", config.prettyText)
        let script = """
            cut -d ' ' -f 5 /proc/self/mountinfo > \(box.path("before"))
            mkfifo \(box.path("in")) \(box.path("out"))
            \(Host.runtime) \(file) < \(box.path("in")) > \(box.path("out")) &
            exec 3> \(box.path("in")) 4< \(box.path("out"))
            read -r line <&4
            cut -d ' ' -f 5 /proc/self/mountinfo > \(box.path("during"))
            echo end >&3
            wait $! || exit
            cut -d ' ' -f 5 /proc/self/mountinfo > \(box.path("after"))
            comm -3 --nocheck-order \(box.path("before")) \(box.path("during"))
            comm -3 --nocheck-order \(box.path("before")) \(box.path("after"))
            """
        let outcome = try Running(
            "/usr/bin/unshare", ["-m", "--propagation", "shared", "sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        ).finish()
        return (outcome.output, outcome)
    }

    /// With hooks that see both trees the pivot comes late.
    private func addHook(_ config: inout Value) {
        config["hooks"]["createRuntime"] = [["path": "/bin/true"]]
    }

    /// There the runtime opens the root and the sources of bind mounts, in the host's namespace.
    private func addUser(_ config: inout Value) {
        config["linux"]["namespaces"].append(["type": "user"])
        for kind in ["uidMappings", "gidMappings"] {
            config["linux"][kind] = [["containerID": 0, "hostID": 100_000, "size": 65536]]
        }
    }

    /// In a user namespace too, where a mount that is shared has to be the namespace's own.
    @Test(arguments: ["early", "late", "user"])
    func `a mount is shared where the config says so`(_ pivot: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            try box.makeDirectory("volume")
            config["mounts"].append(Config.mount("/mnt", "tmpfs", ["shared"]))
            config["mounts"].append(Config.bind(box.path("volume"), "/opt", ["rshared"]))
            if pivot == "late" { addHook(&config) }
            if pivot == "user" { addUser(&config) }
            let facts = try box.probe(config)
            for point in ["/mnt", "/opt"] {
                let words = facts.mount(on: point)?.propagation ?? []
                #expect(words.contains { $0.hasPrefix("shared:") }, "\(point): \(words)")
            }
            #expect(facts.mount(on: "/proc")?.propagation == [])
        }
    }

    @Test(
        arguments: [
            "", "shared", "rshared", "slave", "private", "runbindable", "late rshared", "user",
        ],
        [true, false])
    func `nothing of a container appears on a shared host, and nothing of the host's goes`(
        _ propagation: String, _ overlays: Bool
    ) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            var config = overlays ? box.config() : box.plainConfig()
            try box.makeDirectory("volume/inner")
            config["mounts"].append(Config.bind(box.path("volume"), "/tmp"))
            if propagation.hasPrefix("late") { addHook(&config) }
            if propagation == "user" {
                addUser(&config)
                // Who is root there may mount: not on the host.
                config.grant(["CAP_SYS_ADMIN"])
            } else if let word = propagation.split(separator: " ").last {
                config["linux"]["rootfsPropagation"] = .string(String(word))
            }
            let (changed, outcome) = try mountsThatChange(
                box, config,
                before: propagation == "user" ? "busybox mount -t tmpfs x /tmp/inner && " : "")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(changed == "", "\(outcome)")
        }
    }
}
