import Glibc
import Testing

/// The words that scripts around runc look for.
struct RuncWordsTests {
    @Test(arguments: [[], ["--log", "log.out"]] as [[String]])
    func `debug tells of the moments that runc has too`(_ globals: [String]) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/bin/true"])
            let outcome = try box.command("run", box.id(), globals: globals + ["--debug"])
            #expect(outcome.code == 0, "\(outcome)")
            let text = globals.isEmpty ? outcome.error : box.read("bundle/log.out")
            if !globals.isEmpty { #expect(!outcome.error.contains("level=debug")) }
            for words in [
                "level=debug", "=> nsexec container setup", "child process in init()",
                "init: closing the pipe to signal completion",
            ] {
                #expect(text.contains(words), "\(words): \(text)")
            }
        }
    }

    @Test func `debug of exec tells of the CPUs that the process is made on`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let process = try box.write(
                "process.json",
                """
                {"args": ["/bin/true"], "cwd": "/", "execCPUAffinity": {"initial": "0"}}
                """)
            let outcome = try box.command(
                "exec", "--process", process, box.id(), globals: ["--debug"])
            #expect(outcome.error.contains("]: affinity: 0x1\""), "\(outcome)")
            #expect(outcome.error.contains("setns_init: about to exec"), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `debug tells of the flags of the filter`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            ]
            try box.prepare(config, arguments: ["/bin/true"])
            let outcome = try box.command("run", box.id(), globals: ["--debug"])
            #expect(outcome.error.contains("\"seccomp filter flags: 2\""), "\(outcome)")
        }
    }

    // MARK: Under the name of runc

    private func runc(_ box: Sandbox, _ words: [String]) throws -> Outcome {
        if !box.exists("runc") { try box.link("runc", to: Host.runtime) }
        return try Running(box.path("runc"), words).finish()
    }

    @Test(arguments: ["-h", "--help"])
    func `help begins as runc's does under its name`(_ option: String) throws {
        try Sandbox.use { box in
            let all = try runc(box, [option])
            #expect(all.code == 0)
            let lines = all.output.split(separator: "\n").prefix(2)
            #expect(lines == ["NAME:", "   runc - Open Container Initiative runtime"])
            for command in ["create", "run", "exec", "kill", "delete", "update", "features"] {
                let outcome = try runc(box, [command, option])
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output.hasPrefix("NAME:\n   runc \(command) - "), "\(outcome)")
                let own = try Running(Host.runtime, [command, option]).finish()
                #expect(own.code == 0 && own.output.hasPrefix("Usage: vfs-run \(command)"))
            }
            let unknown = try runc(box, ["foo", option])
            #expect(unknown.code != 0)
            #expect(unknown.error.contains("No help topic for 'foo'"), "\(unknown)")
        }
    }

    @Test func `the version has the three lines of runc's under its name`() throws {
        try Sandbox.use { box in
            let lines = try runc(box, ["--version"]).output.split(separator: "\n")
            #expect(
                lines.map { $0.prefix { $0 != ":" && !$0.isNumber } }.map(String.init)
                    == ["runc version ", "commit", "spec"])
            let own = try Running(Host.runtime, ["--version"]).finish().output
            #expect(own.hasPrefix("vfs-run version "))
        }
    }

    // MARK: Configs

    @Test func `spec has the root and the mappings that runc's has`() throws {
        try Sandbox.use { box in
            try box.succeed("spec", "--file", box.path("spec.json"))
            let config = try Value(parsing: box.read("spec.json"))
            #expect(config["root"]["readonly"] == true)
            let kinds = config["linux"]["namespaces"].array?.compactMap { $0["type"].string }
            let hasVersion1 = ControlGroups.mounts.contains { !$0.controllers.isEmpty }
            #expect(kinds?.contains("cgroup") == !hasVersion1)
            try box.succeed("spec", "--one-shot", "--file", box.path("one.json"))
            #expect(try Value(parsing: box.read("one.json"))["root"]["readonly"] == false)
        }
    }

    @Test(
        arguments: [
            ([:], "requires `runtime`"), (["runtime": 42000], "requires `deadline`"),
            (["runtime": 0, "deadline": 1_000_000], "runtime must be greater than 0"),
            (["runtime": 1023, "deadline": 1_000_000], "must be between"),
            (["runtime": 2_000_000, "deadline": 1_000_000], "must be <= deadline"),
            (
                ["runtime": 42000, "deadline": 2_000_000, "period": 1_000_000], "must be <= period"
            ),
        ] as [(Value, String)])
    func `what is wrong with a deadline is said`(_ parameters: Value, _ words: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["scheduler"] = parameters
            config["process"]["scheduler"]["policy"] = "SCHED_DEADLINE"
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(
                outcome.error.contains("sched_setattr: `SCHED_DEADLINE` "), "\(outcome)")
            #expect(outcome.error.contains(words), "\(outcome)")
        }
    }

    static let refusals: [(section: String, value: Value, words: String)] = [
        ("memoryPolicy", [:], "invalid memory policy mode"),
        ("memoryPolicy", ["nodes": "0"], "invalid memory policy mode"),
        ("memoryPolicy", ["mode": "INTERLEAVE"], "invalid memory policy mode"),
    ]

    @Test(arguments: refusals.indices)
    func `what runc refuses in its words is refused in them`(_ index: Int) throws {
        let (section, value, words) = RuncWordsTests.refusals[index]
        try Sandbox.use { box in
            var config = box.config()
            config["linux"][section] = value
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125 && outcome.error.contains(words), "\(outcome)")
        }
    }

    @Test func `limits of version 2 on a controller of version 1 are an invalid configuration`()
        throws
    {
        guard ControlGroups.has(version1: "memory") else {
            try skip("the controller memory is not one of version 1 here; make test-vm")
        }
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["unified": ["memory.min": "131072"]]
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("invalid configuration"), "\(outcome)")
        }
    }

    @Test func `a limit of swap alone is changed in version 1`() throws {
        guard ControlGroups.has(version1: "memory"),
            access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0
        else { try skip("the kernel counts no swap, or has memory in version 2") }
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["resources"] = ["memory": ["limit": 67_108_864]]
            try box.create(nil, config)
            try box.succeed("update", "--memory-swap", "96468992", box.id())
            try box.succeed("delete", "--force", box.id())
        }
    }
}
