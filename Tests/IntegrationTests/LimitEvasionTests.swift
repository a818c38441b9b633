import Foundation
import Glibc
import Testing

/// Programs that try to get more than their limits, or to keep the runtime process from its end.
struct LimitEvasionTests {
    // MARK: A kept upper

    /// A directory that its owner may not list, files without a name, and files without bytes.
    static let hidden = [
        "mkdir d; dd if=/dev/zero of=d/f bs=1M count=32; chmod 0 d; exec sleep 600",
        "exec 5> f; rm f; dd if=/dev/zero bs=1M count=32 >&5; exec sleep 600",
        "i=0; while :; do : > f$i; i=$((i + 1)); done",
    ]

    @Test(arguments: Caller.allCases, hidden)
    func `what is hidden in a kept upper counts`(_ caller: Caller, _ script: String) throws {
        try keeping(caller) { box, name in
            let report = box.path("states/report.json")
            let run = try box.startSandbox(
                caller,
                ["--quiet", "--best-effort", "--name", name, "--disk", "4m", "--report", report],
                ["sh", "-c", script])
            let outcome = try run.finish()
            #expect(outcome.code == 137, "\(outcome)")
            let told = try Value(parsing: Host.read(report))
            #expect(told["status"] == "DL", "\(told.text)")
            #expect(told["limits_hit"] == ["disk"])
        }
    }

    /// The process that measures may start when the program has ended.
    @Test(arguments: Caller.allCases)
    func `what a short program writes is measured`(_ caller: Caller) throws {
        try keeping(caller) { box, name in
            let report = box.path("states/report.json")
            let outcome = try box.startSandbox(
                caller,
                ["--quiet", "--best-effort", "--name", name, "--disk", "64m", "--report", report],
                ["sh", "-c", "mkdir d; dd if=/dev/zero of=d/f bs=1M count=8; chmod 0 d"]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let told = try Value(parsing: Host.read(report))
            let bytes = try #require(told["disk"]["bytes"].integer)
            #expect((8 << 20..<9 << 20).contains(bytes), "\(told.text)")
            #expect(HostProcess.concerned(with: box.directory).isEmpty)
        }
    }

    private func keeping(
        _ caller: Caller, _ body: (Sandbox, String) throws -> Void
    ) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let name = "test-\(box.directory.suffix(6))"
            try body(box, name)
            let discarded = try box.startSandbox(caller, discarding: name).finish()
            #expect(discarded.code == 0, "\(discarded)")
        }
    }

    // MARK: Orphans

    /// They hold the pipe that the runtime process relays, or the terminal.
    @Test func `an orphan of exec that goes on writing holds up nothing`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["init"] = true
            try box.prepare(config, arguments: ["sleep", "600"])
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let outcome = try Running(
                    "/bin/sh",
                    [
                        "-c", "exec \"$@\" > /dev/null", "sh", Host.runtime, "--root",
                        box.stateRoot, "exec", "--max-output", "9000g", box.id(), "sh", "-c",
                        "(yes &); exit 3",
                    ]
                ).finish(seconds: 20)
                #expect(outcome.code == 3, "\(outcome)")
            }
        }
    }

    /// Whose parent has ended is a child of the container's first process.
    @Test(arguments: [["--cpu-time", "300ms"], ["--timeout", "400ms"]])
    func `orphans of exec are held to its limits, and end with it`(_ options: [String]) throws {
        try Sandbox.use { box in
            try box.prepare(VerdictTests.config(box), arguments: ["sleep", "600"])
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let report = box.path("report.json")
                let script =
                    "for i in 1 2; do (setsid sh -c 'while :; do :; done' &); done; exec sleep 600"
                let outcome = try box.launch(
                    ["exec", "--report", report] + options + [box.id(), "sh", "-c", script]
                ).finish(seconds: 30)
                #expect(outcome.code == 124, "\(outcome)")
                let told = try Value(parsing: box.read("report.json"))
                #expect(told["status"] == "TO", "\(told.text)")
                if options[0] == "--cpu-time" {
                    let time = try #require(told["cpu_ns"].integer)
                    #expect((300_000_000..<500_000_000).contains(time), "\(told.text)")
                }
                let rest = try box.command("exec", box.id(), "pidof", "sh", "sleep")
                #expect(rest.output == "2\n", "\(rest)")
                // One that comes to its end takes its orphans along too.
                let short = try box.command(
                    "exec", "--timeout", "60s", box.id(), "sh", "-c", "(sleep 600 &)")
                #expect(short.code == 0 && short.error.isEmpty, "\(short)")
                let left = try box.command("exec", box.id(), "pidof", "sleep")
                #expect(left.output == "2\n", "\(left)")
            }
        }
    }

    /// Version 2 counts no memory below a cgroup that has processes.
    @Test(.enabled(if: ControlGroups.has(version1: "memory"), "version 1 counts memory"))
    func `the report of exec has its own peaks`() throws {
        try Sandbox.use { box in
            var config = VerdictTests.config(box)
            config["linux"]["resources"]["memory"]["limit"] = .integer(256 << 20)
            try box.prepare(config, arguments: ["sleep", "600"])
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let report = box.path("report.json")
                for size in [64, 8] {
                    let outcome = try box.command(
                        "exec", "--timeout", "60s", "--report", report, box.id(), "dd",
                        "if=/dev/zero", "of=/dev/null", "bs=\(size)M", "count=1")
                    #expect(outcome.code == 0, "\(outcome)")
                    let told = try Value(parsing: box.read("report.json"))
                    let peak = try #require(told["memory"]["peak"].integer, "\(told.text)")
                    #expect(peak >= size << 20 && peak < (size + 16) << 20, "\(told.text)")
                    try ReportSchema.shared.check(told)
                }
                let rest = ControlGroups.named("vfs-run-exec-").filter { $0.contains(box.id()) }
                #expect(rest.isEmpty, "\(rest)")
            }
        }
    }

    // MARK: The end

    @Test func `a process that cannot end holds the runtime up for ten seconds`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["init"] = true
            config["linux"]["resources"] = .null
            let run = try box.start(
                config, ["--timeout", "60s"],
                arguments: ["sh", "-c", "sleep 600 & echo ready; read go"], input: .open)
            #expect(try run.readLine() == "ready")
            let first = try #require(HostProcess.initProcess(of: run.pid))
            let program = try #require(HostProcess.children(of: first).first)
            let other = try #require(HostProcess.children(of: program).first)
            let tracer = try Running(Host.probe, ["--keep-zombie", "\(other)"], input: .open)
            #expect(try tracer.readLine() == "held")
            run.write("go\n")
            let outcome = try run.finish(seconds: 30)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("have not ended within 10 s"), "\(outcome)")
            tracer.closeInput()
            _ = try tracer.finish()
            #expect(HostProcess.waitForEnd(of: first))
        }
    }

    // MARK: The report

    @Test(arguments: Caller.allCases)
    func `the report counts what a kept sandbox has changed`(_ caller: Caller) throws {
        try keeping(caller) { box, name in
            let report = box.path("states/report.json")
            let outcome = try box.startSandbox(
                caller, ["--quiet", "--best-effort", "--name", name, "--report", report],
                ["sh", "-c", "echo x >> file; rm folder/inner; mkdir new; > new/a; chmod 0 new"]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let told = try Value(parsing: Host.read(report))
            #expect(told["changes"] == ["added": 2, "modified": 1, "deleted": 1], "\(told.text)")
            try ReportSchema.shared.check(told)
        }
    }

    // MARK: What it costs

    /// In version 1 the kernel tells that memory has run out, and kills a moment later, unless it may
    /// not.
    @Test func `a kill that does not come is not looked for all the time`() throws {
        guard ControlGroups.has(version1: "memory") else { return }
        try Sandbox.use { box in
            let run = try box.start(
                VerdictTests.config(box), ["-m", "16m", "--timeout", "1500ms"],
                // What the kernel writes for read(2) is refused, and what the program writes waits.
                arguments: [
                    "sh", "-c",
                    "echo ready; read go; awk 'BEGIN { s = \"xxxxxxxx\"; while (1) s = s s }'",
                ], input: .open)
            #expect(try run.readLine() == "ready")
            let first = try #require(HostProcess.initProcess(of: run.pid))
            let group = try #require(ControlGroups.path(of: first, "memory"))
            // The kernel kills nothing.
            let control = group + "/memory.oom_control"
            let file = try #require(FileHandle(forWritingAtPath: control))
            try file.write(contentsOf: Data("1".utf8))
            run.write("go\n")
            var most = 0
            while !HostProcess.waitForEnd(of: run.pid, milliseconds: 20) {
                most = max(most, HostProcess.field("voluntary_ctxt_switches", of: run.pid) ?? 0)
            }
            let outcome = try run.finish()
            #expect(outcome.code == 124, "\(outcome)")
            #expect((1..<200).contains(most), "\(most) times")
        }
    }

    /// Of a file that was emptied before, ext4 writes the content to the disk when it is closed.
    @Test func `a report takes the place of a longer one`() throws {
        try Sandbox.use { box in
            try box.write("report.json", String(repeating: "x", count: 100_000))
            let (outcome, report) = try box.report(box.config(), arguments: ["true"])
            #expect(outcome.code == 0 && report["status"] == "OK", "\(outcome)")
            let started = try box.start(
                box.config(), ["--report", box.path("report.json")],
                arguments: ["sh", "-c", "echo ready; read go"], input: .open)
            #expect(try started.readLine() == "ready")
            #expect(
                box.read("report.json") == "\n", "a run that is killed leaves no other's report")
            started.write("go\n")
            #expect(try started.finish().code == 0)
        }
    }
}

extension Sandbox {
    fileprivate func startSandbox(_ caller: Caller, discarding name: String) throws -> Running {
        let variables = [
            "PATH=/usr/bin:/bin", "HOME=\(path("states"))", "XDG_RUNTIME_DIR=\(path("states"))",
        ]
        let words = ["discard", name]
        if caller == .root {
            return try Running(Host.runtime, words, environment: variables, directory: work)
        }
        let line = try OrdinaryUser().command(self, path("vfs-run"), words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            directory: work)
    }
}
