import Glibc
import Testing

/// Where a container's memory, CPUs and network devices are.
struct PlacementTests {
    // MARK: linux.netDevices

    /// Runs the runtime in a network namespace of its own, which `script` has furnished.
    private func run(_ box: Sandbox, _ config: Value, _ script: String) throws -> Outcome {
        let unshare = try #require(Host.find("unshare"))
        let file = try box.write("bundle/config.json", config.prettyText)
        let ip = Host.base + "/bin/busybox ip"
        let lines = script.split(separator: "\n").map { "\(ip) \($0) || exit 99" }
        let outcome = try Running(
            unshare,
            [
                "--net", "/bin/sh", "-c",
                lines.joined(separator: "\n")
                    + "\n\"$@\"; code=$?; \(ip) addr >&2; exit $code", "sh",
                Host.runtime, file,
            ]
        ).finish()
        if outcome.code == 99 && outcome.error.contains("not supported") {
            try skip("this kernel makes no veth devices: \(outcome.error)")
        }
        return outcome
    }

    private static let furnished = """
        link set lo up
        link add v0 type veth
        link set veth0 up
        link set v0 up
        addr add 10.20.30.40/24 dev v0
        -6 addr add fd00:1234::5/64 dev v0
        """

    private func config(_ box: Sandbox, _ devices: Value) -> Value {
        var config = box.config()
        config["linux"]["netDevices"] = devices
        config.run(["/bin/busybox", "ip", "addr"])
        return config
    }

    @Test(arguments: ["eth7", ""])
    func `a device of the host becomes the container's, with its addresses`(
        _ name: String
    ) throws {
        try Sandbox.use { box in
            let devices: Value = name.isEmpty ? ["v0": [:]] : ["v0": ["name": .string(name)]]
            let outcome = try run(box, config(box, devices), PlacementTests.furnished)
            #expect(outcome.code == 0, "\(outcome)")
            let own = name.isEmpty ? "v0" : name
            let shown = outcome.output
            #expect(shown.contains(": \(own)@"), "\(shown)")
            #expect(shown.contains("inet 10.20.30.40/24"), "\(shown)")
            #expect(shown.contains("inet6 fd00:1234::5/64"), "\(shown)")
            let line = shown.split(separator: "\n").first { $0.contains(" \(own)@") }
            #expect(line?.contains("UP") == true, "\(shown)")
        }
    }

    @Test func `one that is not there, or whose name is taken, ends the start`() throws {
        try Sandbox.use { box in
            let missing = try run(box, config(box, ["v9": [:]]), PlacementTests.furnished)
            #expect(missing.code == 125)
            #expect(missing.output == "")
            #expect(missing.error.contains("the host has no device of this name"), "\(missing)")
            let taken = try run(
                box, config(box, ["v0": ["name": "lo"]]), PlacementTests.furnished)
            #expect(taken.code == 125)
            #expect(taken.error.contains("the container has a device \"lo\" already"), "\(taken)")
            // It stays as it was.
            #expect(taken.error.contains("inet 10.20.30.40/24"), "\(taken)")
            #expect(taken.error.contains("inet6 fd00:1234::5/64"), "\(taken)")
        }
    }

    // MARK: linux.memoryPolicy

    @Test(
        arguments: [
            (["mode": "MPOL_BIND", "nodes": "0"], " bind:0 "),
            (
                ["mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]],
                " interleave=static:0 "
            ),
            (["mode": "MPOL_DEFAULT"], " default "),
        ] as [(Value, String)])
    func `memory comes from where the policy says`(_ policy: Value, _ words: String) throws {
        try Sandbox.use { box in
            if Host.read("/proc/self/numa_maps").isEmpty { try skip("this kernel knows no NUMA") }
            var config = box.config()
            config["linux"]["memoryPolicy"] = policy
            config.run(["cat", "/proc/self/numa_maps"])
            let outcome = try box.run(config)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains(words), "\(outcome)")
        }
    }

    @Test func `a node that the machine does not have ends the start`() throws {
        try Sandbox.use { box in
            if Host.read("/proc/self/numa_maps").isEmpty { try skip("this kernel knows no NUMA") }
            var config = box.config()
            config["linux"]["memoryPolicy"] = ["mode": "MPOL_BIND", "nodes": "1000"]
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("set_mempolicy: invalid argument"), "\(outcome)")
        }
    }

    // MARK: process.execCPUAffinity

    @Test(
        arguments: [
            (["initial": "0"], "0"), (["initial": "0", "final": "1"], "1"), (["final": "1"], "1"),
        ] as [(Value, String)])
    func `exec runs on the CPUs that it is told`(_ affinity: Value, _ cpus: String) throws {
        try Sandbox.use { box in
            if sysconf(CInt(_SC_NPROCESSORS_ONLN)) < 2 { try skip("this machine has one CPU") }
            try box.makeRoot()
            var config = box.plainConfig()
            config["process"]["execCPUAffinity"] = affinity
            config.run(["/probe", "--wait"])
            try box.prepare(config)
            try box.withContainer(box.id()) {
                let started = try box.runCommand([
                    "run", "--detach", "--bundle", box.bundle, box.id(),
                ])
                try #require(started.code == 0, "\(started)")
                func allowed(_ text: String) -> String? {
                    text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
                        .map { String($0.dropFirst(19)) }
                }
                let outcome = try box.runCommand([
                    "exec", box.id(), "/bin/cat", "/proc/self/status",
                ])
                #expect(allowed(outcome.output) == cpus, "\(outcome)")
                // Not of the container's own process.
                let first = try box.runCommand(["exec", box.id(), "/bin/cat", "/proc/1/status"])
                #expect(allowed(first.output) == allowed(Host.read("/proc/self/status")))
            }
        }
    }

    /// An engine may be bound to a CPU; the one-shot form runs where its caller wants it.
    @Test func `containers have all CPUs, whatever their engine is bound to`() throws {
        try Sandbox.use { box in
            let all = Host.read("/proc/self/status").split(separator: "\n")
                .first { $0.hasPrefix("Cpus_allowed_list:") }.map(String.init)
            func bound(_ arguments: [String]) throws -> String {
                let run = try Running(
                    "/usr/bin/taskset", ["-c", "0", Host.runtime] + arguments,
                    directory: box.bundle)
                let outcome = try run.finish()
                #expect(outcome.code == 0, "\(outcome)")
                return outcome.output
            }
            let show = ["grep", "Cpus_allowed_list", "/proc/self/status"]
            try box.prepare(box.config(), arguments: show)
            let states = ["--root", box.stateRoot]
            #expect(try bound(states + ["run", box.id()]).hasPrefix(all ?? "none"))
            #expect(try bound(["config.json"]).hasPrefix("Cpus_allowed_list:\t0\n"))
            try box.createAndStart()
            #expect(try bound(states + ["exec", box.id()] + show).hasPrefix(all ?? "none"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `CPUs that are not there end exec`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            var config = box.plainConfig()
            config["process"]["execCPUAffinity"] = ["final": "8191"]
            config.run(["/probe", "--wait"])
            try box.prepare(config)
            try box.withContainer(box.id()) {
                let started = try box.runCommand([
                    "run", "--detach", "--bundle", box.bundle, box.id(),
                ])
                try #require(started.code == 0, "\(started)")
                let outcome = try box.runCommand(["exec", box.id(), "/probe"])
                #expect(outcome.code == 255)
                #expect(
                    outcome.error.contains("sched_setaffinity: invalid argument; none of these"),
                    "\(outcome)")
            }
        }
    }
}
