import JSON
import Testing

/// What a start mounts stays in the container, on a host whose mounts are shared too (as systemd
/// leaves them).
@Suite struct PropagationTests {
    /// Starts a container in a mount namespace of shared mounts, waits until its program runs, and
    /// tells what that namespace has more of than before.
    private func mountsThatAppear(_ box: Sandbox, _ config: Value) throws -> (String, Outcome) {
        var config = config
        config.run(["/bin/sh", "-c", "echo ready; read line"])
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
            comm -13 --nocheck-order \(box.path("before")) \(box.path("during"))
            """
        let outcome = try Running(
            "/usr/bin/unshare", ["-m", "--propagation", "shared", "sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        ).finish()
        return (outcome.output, outcome)
    }

    @Test(arguments: ["", "shared", "rshared", "slave", "private", "runbindable"], [true, false])
    func `nothing of a container appears on a shared host`(
        _ propagation: String, _ overlays: Bool
    ) throws {
        try Sandbox.use { box in
            try box.makeRoot()
            var config = overlays ? box.config() : box.plainConfig()
            if !propagation.isEmpty {
                config["linux"]["rootfsPropagation"] = .string(propagation)
            }
            let (appeared, outcome) = try mountsThatAppear(box, config)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(appeared == "", "\(outcome)")
        }
    }
}
