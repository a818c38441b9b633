import Foundation
import Glibc
import Testing

/// A program under a limit, and how its run is judged.
struct VerdictRow: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var arguments: [String]
    var options: [String] = []
    var status: String
    var reason: String?
    /// The exit code of vfs-run.
    var code: Int32
    var exitCode: Int64?
    var signal: Int64?
    var hit: [String] = []
    var change: @Sendable (inout Value) -> Void = { _ in }

    static func shell(_ script: String) -> [String] { ["sh", "-c", script] }
}

/// The matrix of programs and limits, with the init beside the program.
struct VerdictTests {
    static let rows: [VerdictRow] = [
        .init(
            testDescription: "exit 0", arguments: ["true"], status: "OK", code: 0, exitCode: 0),
        .init(
            testDescription: "exit 3", arguments: VerdictRow.shell("exit 3"), status: "RE",
            reason: "exit code", code: 3, exitCode: 3),
        .init(
            testDescription: "abort", arguments: ["/probe", "--abort"], status: "SG",
            reason: "signal", code: 134, signal: 6),
        .init(
            testDescription: "segfault", arguments: ["/probe", "--fault"], status: "SG",
            reason: "signal", code: 139, signal: 11),
        .init(
            testDescription: "kill -9 of itself", arguments: VerdictRow.shell("kill -9 $$"),
            status: "SG", reason: "signal", code: 137, signal: 9),
        .init(
            testDescription: "sleep", arguments: ["sleep", "600"], options: ["--timeout", "200ms"],
            status: "TO", reason: "wall", code: 124, signal: 9, hit: ["wall"]),
        .init(
            testDescription: "busy loop", arguments: VerdictRow.shell("while :; do :; done"),
            options: ["--cpu-time", "200ms"], status: "TO", reason: "cpu", code: 124, signal: 9,
            hit: ["cpu"]),
        .init(
            testDescription: "four spinners",
            arguments: VerdictRow.shell(
                "for i in 1 2 3 4; do while :; do :; done & done; sleep 600"),
            options: ["--cpu-time", "200ms"], status: "TO", reason: "cpu", code: 124, signal: 9,
            hit: ["cpu"]),
        .init(
            testDescription: "a double fork that outlives the program",
            arguments: VerdictRow.shell("(sleep 600 &); exit 0"), options: ["--timeout", "60s"],
            status: "OK", code: 0, exitCode: 0),
        .init(
            testDescription: "fork bomb",
            arguments: VerdictRow.shell("f() { f & f & sleep 600; }; f & exec sleep 600"),
            options: ["--pids-limit", "20", "--timeout", "500ms"], status: "TO", reason: "wall",
            code: 124, signal: 9, hit: ["wall", "pids"]),
        .init(
            testDescription: "a fork that is refused",
            arguments: VerdictRow.shell("for i in 1 2 3 4 5 6 7 8; do sleep 600 & done"),
            options: ["--pids-limit", "5"], status: "RE", reason: "exit code", code: 2,
            exitCode: 2, hit: ["pids"]),
        .init(
            testDescription: "memory in one process",
            arguments: VerdictRow.shell("dd if=/dev/zero of=/dev/null bs=200M count=1"),
            options: ["-m", "32m"], status: "ML", reason: "memory", code: 137, signal: 9,
            hit: ["memory"]),
        .init(
            testDescription: "memory in ten processes",
            arguments: VerdictRow.shell(
                "for i in 1 2 3 4 5 6 7 8 9 10; do"
                    + " dd if=/dev/zero bs=16M count=1 | sleep 600 & done; wait"),
            options: ["-m", "64m"], status: "ML", reason: "memory", code: 137, signal: 9,
            hit: ["memory"]),
        .init(
            testDescription: "tmpfs full",
            arguments: ["dd", "if=/dev/zero", "of=/file", "bs=64k", "count=100"],
            options: ["--disk", "2m"], status: "DL", reason: "disk", code: 1, exitCode: 1,
            hit: ["disk"]),
        .init(
            testDescription: "inodes full",
            arguments: VerdictRow.shell("i=0; while mkdir /tmp/$i; do i=$((i+1)); done; exit 1"),
            status: "DL", reason: "disk", code: 1, exitCode: 1, hit: ["disk"]
        ) {
            $0["vfs"]["overlay"]["size"] = "64m"
            $0["vfs"]["overlay"]["inodes"] = 64
        },
        .init(
            testDescription: "a full disk that the program can do with",
            arguments: VerdictRow.shell("dd if=/dev/zero of=/file bs=64k count=100; exit 0"),
            options: ["--disk", "2m"], status: "OK", code: 0, exitCode: 0, hit: ["disk"]),
        .init(
            testDescription: "endless output", arguments: ["yes"],
            options: ["--max-output", "100k"], status: "OL", reason: "output", code: 137,
            signal: 9, hit: ["output"]),
        .init(
            testDescription: "output on both streams",
            arguments: VerdictRow.shell("yes | head -c 60000; yes | head -c 60000 >&2; sleep 600"),
            options: ["--max-output", "100k"], status: "OL", reason: "output", code: 137,
            signal: 9, hit: ["output"]),
        .init(
            testDescription: "output just within the limit",
            arguments: VerdictRow.shell("head -c 102400 /dev/zero"),
            options: ["--max-output", "100k"], status: "OK", code: 0, exitCode: 0),
        .init(
            testDescription: "seccomp kill", arguments: ["sync"], status: "SV", reason: "seccomp",
            code: 159, signal: 31
        ) { $0["linux"]["seccomp"] = VerdictTests.killing("sync") },
        .init(
            testDescription: "SIGSYS without a filter",
            arguments: ["/probe", "--kill-self", "31"], status: "SG", reason: "signal",
            code: 159, signal: 31),
        .init(
            testDescription: "a program that does not exist", arguments: ["nope"], status: "CF",
            reason: "not found", code: 127),
        .init(
            testDescription: "a directory as the program", arguments: ["/tmp"], status: "CF",
            reason: "not executable", code: 126),
    ]

    static func killing(_ call: String) -> Value {
        [
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [["names": [.string(call)], "action": "SCMP_ACT_KILL_PROCESS"]],
        ]
    }

    static func config(_ box: Sandbox, _ change: (inout Value) -> Void = { _ in }) -> Value {
        var config = box.config()
        config["vfs"]["init"] = true
        change(&config)
        return config
    }

    @Test(arguments: rows)
    func `each program gets its verdict`(_ row: VerdictRow) throws {
        try Sandbox.use { box in
            let (outcome, report) = try box.report(
                VerdictTests.config(box, row.change), row.options, arguments: row.arguments)
            #expect(report["status"] == .string(row.status), "\(report.text) \(outcome)")
            #expect(report["reason"] == (row.reason.map(Value.string) ?? .null))
            #expect(outcome.code == row.code, "\(outcome)")
            #expect(report["exit_code"] == (row.exitCode.map(Value.integer) ?? .null))
            #expect(report["signal"] == (row.signal.map(Value.integer) ?? .null))
            #expect(report["limits_hit"] == Value(row.hit), "\(report.text)")
            try ReportSchema.shared.check(report)
        }
    }

    @Test func `page cache is not out of memory`() throws {
        try Sandbox.use { box in
            try box.write("data", "")
            #expect(truncate(box.path("data"), 256 << 20) == 0)
            var config = VerdictTests.config(box)
            config["mounts"] = .array(
                (config["mounts"].array ?? []) + [Config.bind(box.path("data"), "/data", ["ro"])])
            let (outcome, report) = try box.report(
                config, ["-m", "32m"], arguments: ["cat", "/data"], discardsOutput: true)
            #expect(report["status"] == "OK", "\(report.text) \(outcome.error)")
            let peak = try #require(report["memory"]["peak"].integer)
            #expect(peak <= 32 << 20)
        }
    }

    @Test func `a closed standard output is a signal`() throws {
        try Sandbox.use { box in
            let file = try box.write(
                "bundle/config.json", VerdictTests.config(box).prettyText)
            let line =
                "\"$@\" | head -c 1 > /dev/null; cat \(box.path("report.json"))"
            let outcome = try Running(
                "/bin/sh",
                [
                    "-c", line, "sh", Host.runtime, "--max-output", "1g", "--report",
                    box.path("report.json"), file, "yes",
                ]
            ).finish(seconds: 30)
            let report = try Value(parsing: outcome.output)
            #expect(report["status"] == "SG", "\(outcome)")
            #expect(report["signal"] == 13)
        }
    }

    @Test func `a script without its interpreter could not be executed`() throws {
        try Sandbox.use { box in
            try box.write("probe-layer/script", "#!/nope\n", mode: 0o755)
            let (outcome, report) = try box.report(
                VerdictTests.config(box), arguments: ["/script"])
            #expect(report["status"] == "CF", "\(report.text)")
            #expect([126, 127].contains(outcome.code))
            #expect(report["error"].string?.contains("/nope") == true)
        }
    }

    @Test func `a set-id program is judged like others`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("probe-layer/bin")
            try box.copy(Host.base + "/bin/busybox", to: "probe-layer/bin/id")
            chmod(box.path("probe-layer/bin/id"), 0o4755)
            var config = VerdictTests.config(box)
            config["process"]["user"]["uid"] = 1000
            let (outcome, report) = try box.report(config, arguments: ["/bin/id", "-u"])
            #expect(report["status"] == "OK", "\(report.text)")
            #expect(outcome.output == "1000\n", "\(outcome)")
        }
    }

    @Test func `a program too large to be started is out of memory`() throws {
        try Sandbox.use { box in
            let long = String(repeating: "x", count: 100_000)
            var config = VerdictTests.config(box)
            config.run(["true"] + Array(repeating: long, count: 18))
            let (outcome, report) = try box.report(config, ["-m", "1m"], arguments: [])
            #expect(report["status"] == "ML", "\(report.text) \(outcome.error)")
            #expect(outcome.code == 137)
            #expect(report["wall_ns"] == .null)
            #expect(report["signal"] == .null)
        }
    }

    // MARK: Figures

    @Test func `the clock stops when the program has ended`() throws {
        try Sandbox.use { box in
            let (_, report) = try box.report(
                VerdictTests.config(box), ["--timeout", "60s"], arguments: ["usleep", "300000"])
            let wall = try #require(report["wall_ns"].integer)
            #expect(wall >= 300_000_000)
            #expect(report["setup_ns"].integer ?? 0 > 0)
            #expect(report["enforced"]["wall"] == "timer")
        }
    }

    /// A margin of processors and ticks above the limit, and nothing below it.
    @Test(arguments: [true, false])
    func `processor time is counted, with control groups and without`(_ groups: Bool) throws {
        try Sandbox.use { box in
            let (_, report) = try box.report(
                VerdictTests.config(box), ["--cpu-time", "300ms"],
                arguments: VerdictRow.shell("while :; do :; done & while :; do :; done"),
                globals: groups ? [] : ["--cgroup-manager", "disabled"])
            #expect(report["status"] == "TO", "\(report.text)")
            let time = try #require(report["cpu_ns"].integer)
            #expect((300_000_000..<600_000_000).contains(time), "\(report.text)")
            let holder = report["enforced"]["cpu"].string ?? ""
            #expect(groups ? holder.hasPrefix("cgroup") : holder == "proc")
        }
    }

    @Test func `the peak of memory is the kernel's`() throws {
        try Sandbox.use { box in
            let (_, report) = try box.report(
                VerdictTests.config(box), ["-m", "256m"],
                arguments: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"])
            let peak = try #require(report["memory"]["peak"].integer)
            #expect((64 << 20..<80 << 20).contains(peak), "\(report.text)")
            #expect(report["memory"]["limit"] == .integer(256 << 20))
            #expect(report["memory"]["max_rss"].integer ?? 0 > 60 << 20)
        }
    }

    @Test func `a child that was killed for memory is told while the program lives on`() throws {
        try Sandbox.use { box in
            var config = VerdictTests.config(box)
            config["linux"]["resources"]["memory"]["limit"] = .integer(32 << 20)
            let (_, report) = try box.report(
                config,
                arguments: VerdictRow.shell(
                    "dd if=/dev/zero of=/dev/null bs=200M count=1; exit 4"))
            #expect(report["status"] == "RE", "\(report.text)")
            #expect(report["exit_code"] == 4)
            #expect(report["limits_hit"] == ["memory"])
            #expect(report["memory"]["oom_kills"] == 1)
        }
    }

    @Test func `a kept upper is watched`() throws {
        try Sandbox.use { box in
            box.mayChange = ["upper"]
            let (outcome, report) = try box.report(
                VerdictTests.config(box), ["--upper", box.path("upper"), "--disk", "4m"],
                arguments: VerdictRow.shell("dd if=/dev/zero of=/file bs=1M count=32; sleep 600"))
            #expect(report["status"] == "DL", "\(report.text) \(outcome.error)")
            #expect(report["enforced"]["disk"] == "watch")
            #expect(outcome.code == 137)
            #expect(report["disk"]["bytes"].integer ?? 0 > 4 << 20)
        }
    }

    // MARK: Limits that cannot hold

    @Test(arguments: [["-m", "64m"], ["--pids-limit", "10"]])
    func `a limit that cannot hold is an error`(_ options: [String]) throws {
        try Sandbox.use { box in
            let config = VerdictTests.config(box)
            let disabled = ["--cgroup-manager", "disabled"]
            let (refused, report) = try box.report(
                config, options, arguments: ["true"], globals: disabled)
            #expect(refused.code == 125, "\(refused)")
            #expect(refused.error.contains("cannot hold"), "\(refused)")
            #expect(report["status"] == "XX")
            let (held, less) = try box.report(
                config, options + ["--best-effort"], arguments: ["true"], globals: disabled)
            #expect(held.code == 0, "\(held)")
            #expect(held.error.contains("warning"), "\(held)")
            let name = options[0] == "-m" ? "memory" : "pids"
            #expect(less["enforced"][name] == (name == "memory" ? "rlimit" : .null))
        }
    }

    @Test func `processes are counted in a user namespace of the container's own`() throws {
        try Sandbox.use { box in
            var config = VerdictTests.config(box)
            config["linux"]["namespaces"] = .array(
                (config["linux"]["namespaces"].array ?? []) + [["type": "user"]])
            for ids in ["uidMappings", "gidMappings"] {
                config["linux"][ids] = [["containerID": 0, "hostID": 200_000, "size": 65536]]
            }
            let (outcome, report) = try box.report(
                config, ["--pids-limit", "8"],
                arguments: VerdictRow.shell("for i in 1 2 3 4 5 6 7 8; do sleep 600 & done"),
                globals: ["--cgroup-manager", "disabled"])
            #expect(report["enforced"]["pids"] == "rlimit", "\(report.text)")
            #expect(report["exit_code"] == 2, "\(outcome)")
        }
    }

    @Test func `limits of config.json hold for run, and exec has its own`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["limits"] = ["wallTime": "300ms", "output": "1m"]
            try box.prepare(config, arguments: ["sleep", "600"])
            let report = box.path("report.json")
            let words = ["run", "--bundle", box.bundle, "--report", report, box.id()]
            let outcome = try box.launch(words).finish(seconds: 30)
            #expect(outcome.code == 124, "\(outcome)")
            #expect(try Value(parsing: box.read("report.json"))["status"] == "TO")
            let left = try box.runCommand(["run", "--detach", "--bundle", box.bundle, box.id()])
            #expect(left.code == 1, "\(left)")
            #expect(left.error.contains("leaves the container before its end"), "\(left)")
        }
    }

    @Test func `exec is held to its own limits`() throws {
        try Sandbox.use { box in
            // With an init, which waits for orphans.
            try box.prepare(VerdictTests.config(box), arguments: ["sleep", "600"])
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let report = box.path("report.json")
                for (options, reason) in [
                    (["--timeout", "200ms"], "wall"), (["--cpu-time", "200ms"], "cpu"),
                    (["--max-output", "1k", "--best-effort"], "output"),
                ] {
                    let words =
                        ["exec", "--report", report] + options
                        + [box.id(), "sh", "-c", "sleep 600 & while :; do echo word; done"]
                    let outcome = try box.launch(words).finish(seconds: 30)
                    #expect(outcome.code == (reason == "output" ? 137 : 124), "\(outcome)")
                    let told = try Value(parsing: box.read("report.json"))
                    #expect(told["reason"] == .string(reason), "\(told.text)")
                    try ReportSchema.shared.check(told)
                    // What the process has made is gone, and the container goes on.
                    let rest = try box.command("exec", box.id(), "pidof", "sleep")
                    #expect(rest.output == "2\n", "\(rest)")
                }
            }
        }
    }

    @Test func `a limit of each process is set by its name`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(
                box.config(), ["--ulimit", "nofile=77:99", "--ulimit=core=0"],
                arguments: VerdictRow.shell("ulimit -n; ulimit -Hn; ulimit -c"))
            #expect(outcome.output == "77\n99\n0\n", "\(outcome)")
            for wrong in ["nofile", "files=1", "nofile=x", "nofile=9:1"] {
                let refused = try box.run(
                    box.config(), ["--ulimit", wrong], arguments: ["true"])
                #expect(refused.code == 125, "\(refused)")
            }
        }
    }

    @Test func `the report goes to a descriptor, and to standard output behind the program's`()
        throws
    {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            let outcome = try Running(
                "/bin/sh",
                [
                    "-c", "\"$0\" --report - \"$@\"; \"$0\" --report fd:5 \"$@\" 5>&2",
                    Host.runtime,
                    file, "echo", "said",
                ]
            ).finish(seconds: 30)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 3, "\(outcome)")
            #expect(lines.first == "said")
            #expect(try Value(parsing: String(lines[1]))["status"] == "OK")
            #expect(try Value(parsing: outcome.error)["status"] == "OK")
            let closed = try box.start(box.config(), ["--report", "fd:77"]).finish(seconds: 30)
            #expect(closed.code == 125, "\(closed)")
            #expect(closed.error.contains("--report"))
        }
    }
}

extension Sandbox {
    /// Runs to the end, and reads the report.
    func report(
        _ config: Value, _ options: [String] = [], arguments: [String], globals: [String] = [],
        discardsOutput: Bool = false
    ) throws -> (Outcome, Value) {
        let file = path("report.json")
        let outcome: Outcome
        let words = globals + options + ["--report", file]
        if discardsOutput {
            let name = try write("bundle/config.json", config.prettyText)
            outcome = try Running(
                "/bin/sh",
                ["-c", "\"$@\" > /dev/null", "sh", Host.runtime] + words + [name] + arguments
            ).finish(seconds: 60)
        } else {
            outcome = try start(config, words, arguments: arguments).finish(seconds: 60)
        }
        return (outcome, try Value(parsing: Host.read(file)))
    }
}
