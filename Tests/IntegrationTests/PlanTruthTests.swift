import Foundation
import Testing

/// A plan is the whole truth: every system call from the first step to the program belongs to a step,
/// in the plan's order. A tracer says when each call was entered and left, `--trace` when each step
/// began and ended, on the same clock.
struct PlanTruthTests {
    /// A step by its times.
    private struct Span {
        let step: Int
        let row: Int64
        let name: String
        let start: Int64
        let end: Int64
    }

    private struct Call: CustomStringConvertible {
        let name: String
        let entered: Int64
        let left: Int64

        var description: String { name }
    }

    /// The memory of a process grows and shrinks where it will.
    private static let memory: Set = ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise"]
    /// The poll of the runtime process beside the container, and its half of a turn.
    private static let loop: Set = ["poll", "recvmsg", "sendmsg"]
    /// The init process's half.
    private static let turn: Set = ["write", "read"]

    private static let forms: [(String, @Sendable (inout Value, Sandbox) throws -> Void)] = [
        ("alone", { _, _ in }),
        (
            "with limits and hooks of every kind",
            { config, _ in
                config["linux"]["resources"] = ["pids": ["limit": 50]]
                for kind in HookTests.kinds {
                    config["hooks"][kind] = [["path": "/bin/true"]]
                }
            }
        ),
        (
            "with a user namespace and an upper that is kept",
            { config, box in
                config["linux"]["namespaces"].append(["type": "user"])
                for kind in ["uidMappings", "gidMappings"] {
                    config["linux"][kind] = [["containerID": 0, "hostID": 100_000, "size": 65536]]
                }
                config["vfs"]["overlay"]["upper"] = .string(box.path("kept"))
            }
        ),
        (
            "with an init, Landlock and the strict profile",
            { config, _ in
                config["vfs"]["init"] = true
                config["vfs"]["landlock"] = true
                config["vfs"]["seccomp"] = "strict"
            }
        ),
    ]
    /// The init's own calls, beside the program.
    private static let wait: Set = [
        "write", "close", "rt_sigtimedwait", "waitid", "read", "exit_group",
    ]

    @Test(arguments: 0..<4)
    func `every system call before the program belongs to a step, in the plan's order`(
        form: Int
    ) throws {
        try Sandbox.use { box in
            box.mayChange = ["trace.json", "calls", "kept"]
            var config = box.config()
            config.run(["/bin/true"])
            try PlanTruthTests.forms[form].1(&config, box)
            let file = try box.write("bundle/config.json", config.prettyText)
            let run = try Running(
                Host.inject,
                [
                    "-c", "-o", box.path("calls"), "list", "--", Host.runtime, "--trace",
                    box.path("trace.json"), file,
                ]
            ).finish()
            let report = box.read("calls").split(separator: "\n").map { $0.split(separator: " ") }
            #expect(report.last == ["exit", "0"], "\(run)")
            let spans = try spans(Value(parsing: box.read("trace.json")))
            let program = try #require(spans.first { $0.name == "execute /bin/true" })
            let initProcess = try #require(
                report.last { $0[0] == "program" && !$0[2].hasPrefix("/usr") }?[1])
            try check(
                calls(report, "runtime"), spans.filter { $0.row == 1 }, until: program.start,
                between: PlanTruthTests.loop)
            try check(
                containersCalls(report, initProcess, spans), spans.filter { $0.row == 2 },
                until: .max,
                between: PlanTruthTests.turn)
            #expect(spans.map(\.step) == spans.map(\.step).sorted())
            #expect(spans.count == spans.last?.step, "every step has its times")
        }
    }

    /// The calls of the init process and, where that becomes an init, of its copy.
    private func containersCalls(
        _ report: [[Substring]], _ program: Substring, _ spans: [Span]
    ) throws -> [Call] {
        guard let split = spans.first(where: { $0.name.hasPrefix("become the init") }) else {
            return calls(report, program)
        }
        let first = try #require(program.lastIndex(of: ".").map { program[..<$0] })
        let all = calls(report, first)
        // Up to its filter it takes part in the step; then it tells its copy, and waits.
        let filter = try #require(all.lastIndex { $0.name == "seccomp" })
        #expect(all[filter].left <= split.end)
        for call in all[(filter + 1)...] {
            #expect(PlanTruthTests.wait.contains(call.name), "\(call)")
        }
        #expect(all.contains { $0.name == "rt_sigtimedwait" })
        return all[...filter] + calls(report, program)
    }

    private func spans(_ trace: Value) throws -> [Span] {
        let origin = try #require(trace["otherData"]["start_ns"].integer)
        #expect(trace["otherData"]["clock"] == "CLOCK_MONOTONIC")
        // Microseconds with three decimals.
        func nanoseconds(_ value: Value) -> Int64? {
            if case .thousandths(let number) = value { number } else { nil }
        }
        let events = (trace["traceEvents"].array ?? []).filter { $0["args"]["step"].integer != nil }
        return try events.map { event in
            let start = origin + (try #require(nanoseconds(event["ts"])))
            return Span(
                step: Int(event["args"]["step"].integer ?? 0), row: event["pid"].integer ?? 0,
                name: event["name"].string ?? "", start: start,
                end: start + (try #require(nanoseconds(event["dur"]))))
        }
    }

    private func calls(_ report: [[Substring]], _ process: Substring) -> [Call] {
        report.filter { $0[0] == "call" && $0[1] == process && $0.count == 7 }.map {
            Call(name: String($0[3]), entered: Int64($0[5]) ?? 0, left: Int64($0[6]) ?? 0)
        }
    }

    /// - Parameters:
    ///   - limit: When the program is executed.
    ///   - allowed: Calls that may stand between two steps, where the other process has one there.
    private func check(
        _ calls: [Call], _ spans: [Span], until limit: Int64, between allowed: Set<String>
    ) throws {
        let first = try #require(spans.first)
        let last = try #require(spans.last)
        for (one, next) in zip(spans, spans.dropFirst()) {
            #expect(one.end <= next.start, "\(one.name) and \(next.name) overlap")
        }
        #expect(calls.count > 20)
        for call in calls where !PlanTruthTests.memory.contains(call.name) {
            // Up to its first step a process is being made: it closes one descriptor.
            if call.left < first.start {
                if first.row == 2 { #expect(call.name == "close") }
                continue
            }
            if call.entered > limit { continue }
            // The last step of the init process does not come back.
            if last.row == 2 && call.entered >= last.start { continue }
            if spans.contains(where: { $0.start <= call.entered && call.left <= $0.end }) {
                continue
            }
            let before = spans.last { $0.end <= call.entered }?.step ?? 0
            let behind = spans.first { $0.start >= call.left }?.step ?? .max
            #expect(
                allowed.contains(call.name) && behind > before + 1,
                "\(call.name) belongs to no step; it stands between \(before) and \(behind)")
        }
    }
}

/// The plans of commands on a container that exists.
struct CommandPlanTests {
    private func steps(_ box: Sandbox, _ words: [String]) throws -> [String] {
        let outcome = try box.runCommand(["plan", "--json"] + words)
        try #require(outcome.code == 0, "\(outcome)")
        return try #require(Value(parsing: outcome.output).array).map { $0["does"].string ?? "" }
    }

    @Test func `start, exec and delete are printed, and take nothing`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["hooks"]["poststart"] = [["path": "/bin/true"]]
            config["hooks"]["poststop"] = [["path": "/bin/true"]]
            try box.create(nil, config)
            let start = try steps(box, ["--of", "start", box.id()])
            #expect(start.first == "lock the container \(box.id())")
            #expect(start.contains("have the init process execute the program"))
            #expect(start.contains("run the poststart hook /bin/true"))
            #expect(start.last == "run the poststop hook /bin/true")
            #expect(try box.status() == "created")
            try box.succeed("start", box.id())
            let exec = try steps(box, ["--of", "exec", box.id(), "--", "/probe", "--x"])
            #expect(exec.last == "execute /probe --x")
            #expect(exec.contains { $0.hasPrefix("make a process in the namespaces of") })
            let options = try steps(
                box, ["--of", "exec", "--", "--user", "7:8", box.id(), "/probe"])
            #expect(options.contains { $0.hasPrefix("become user 7, group 8") })
            let delete = try steps(box, ["--of", "delete", box.id()])
            #expect(delete.first == "lock the container \(box.id())")
            #expect(
                delete.suffix(2) == [
                    "remove the container's state", "run the poststop hook /bin/true",
                ])
            let forced = try steps(box, ["--of", "delete", "--", "--force", box.id()])
            #expect(Array(forced.dropFirst()) == delete)
            #expect(forced[0].hasPrefix("kill the container"))
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `another command has no plan, and no container none`() throws {
        try Sandbox.use { box in
            let other = try box.command("plan", "--of", "kill", "x")
            #expect(other.code == 1)
            #expect(other.error.contains("--of: \"kill\" has no plan; use start, delete or exec"))
            let missing = try box.command("plan", "--of", "start", box.id())
            #expect(missing.code == 1 && missing.error.contains("does not exist"))
        }
    }
}
