import Foundation
import Glibc
import Testing

/// What a batch has made before a job comes, and what it takes from the job when it has ended.
struct BatchPreparationTests {
    /// A job by itself, in a batch that goes on.
    private func asker(_ batch: Running) -> (Value) throws -> Value {
        { job in
            batch.write(job.text + "\n")
            return try Value(parsing: batch.readLine())
        }
    }

    /// The containers of both processes of the slot are made by then.
    @Test(arguments: ["base", "layer", "volume"])
    func `what takes the place of a directory between two jobs is seen`(_ kind: String) throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            box.mayChange.formUnion(["place", "old"])
            let place = box.path("place")
            func make(_ content: String) throws {
                if kind == "base" {
                    let copied = try Running("/bin/cp", ["-a", Host.base, place]).finish()
                    #expect(copied.code == 0, "\(copied)")
                }
                try box.write("place/marker", content)
            }
            try make("old\n")
            let options =
                switch kind {
                case "base": ["--base", place]
                case "layer": ["--base", Host.base, "--layer", place]
                default: ["--base", Host.base, "-v", "\(place):/seen:ro"]
                }
            let batch = try box.startBatch(
                .root, ["-j", "1", "-w", "/tmp"] + options, input: .open)
            let ask = asker(batch)
            let path = kind == "volume" ? "/seen/marker" : "/marker"
            for _ in 1...4 {
                let answer = try ask(.job("1", shell: "cat \(path)"))
                #expect(answer.standardOutput == "old\n", "\(answer)")
            }
            #expect(rename(place, box.path("old")) == 0)
            try make("new\n")
            for _ in 1...4 {
                let answer = try ask(.job("2", shell: "cat \(path)"))
                #expect(answer.standardOutput == "new\n", "\(answer)")
            }
            batch.closeInput()
            #expect(try batch.finish().code == 0)
            #expect(HostProcess.concerned(with: box.directory) == [])
        }
    }

    /// The init tells them, and the answer does not wait for the end of the init.
    @Test func `figures of the program's processes are in the answer`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let large = "head -c 40000000 /dev/zero | tail -c 30000000 | wc -c"
            let answers = try box.batch(
                .root, ["-j", "1", "-m", "256m", "--pids-limit", "20"],
                jobs: [
                    .job("large", shell: large),
                    .job("left", shell: large + "; (sleep 1000 &); exit 3"),
                    .job("killed", shell: large + "; kill -9 $$"),
                    .job("words", shell: "head -c 300000 /dev/zero | tr '\\0' x"),
                ])
            for name in ["large", "left", "killed"] {
                let report = answers[name]?["report"]
                #expect((report?["memory"]["max_rss"].integer ?? 0) > 20_000_000, "\(answers)")
                #expect((report?["cpu_ns"].integer ?? 0) > 0, "\(answers)")
            }
            #expect(answers["left"]?["report"]["exit_code"] == 3, "\(answers)")
            #expect(answers["killed"]?["report"]["signal"] == 9, "\(answers)")
            // What the program wrote last.
            #expect(answers["words"]?.standardOutput?.utf8.count == 300_000)
        }
    }

    /// The program cannot be started under its limit.
    @Test func `a job whose files do not fit under its limit of memory is ML`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            var job = Value.job("large", shell: "true")
            job["limits"] = ["memory": "4m"]
            job["files"] = ["/tmp/x": ["text": .string(String(repeating: "x", count: 12 << 20))]]
            let answers = try box.batch(
                .root, ["-j", "1"], jobs: [job, .job("next", shell: "true")])
            #expect(answers["large"]?.status == "ML", "\(answers)")
            #expect(answers["large"]?["report"]["limits_hit"] == ["memory"], "\(answers)")
            #expect(answers["next"]?.status == "OK", "\(answers)")
        }
    }

    @Test func `a session says what it needs`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            let path = box.path("work/socket")
            let batch = try box.startBatch(.ordinary, ["--listen", path], input: .bytes([]))
            let connection = try BatchConnection(path)
            let error = try connection.ask(["op": "create", "session": "a"])["error"].string ?? ""
            #expect(error.contains("a session of an ordinary user is not possible"), "\(error)")
            #expect(error.contains("run the batch as root"), "\(error)")
            #expect(error.contains("vfs-run sandbox --name"), "\(error)")
            #expect(try connection.ask(.job("1", shell: "true")).status == "OK")
            batch.send(SIGTERM)
            #expect(try batch.finish().code == 128 + SIGTERM)
        }
    }

    /// The wait for its end, which follows the answer, fails.
    @Test func `no job follows beside an init that has not ended`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            box.mayChange.insert("calls")
            let line = Value.job("1", shell: "true").text + "\n"
            let lines = Array(String(repeating: line, count: 4).utf8)
            var number: Substring?
            func run(_ what: [String]) throws -> (report: [[Substring]], Outcome) {
                let outcome = try Running(
                    Host.inject,
                    ["-o", box.path("calls")] + what + [
                        "--", Host.runtime, "batch", "-j", "1", "--base", Host.base, "-w", "/tmp",
                    ],
                    environment: ["PATH=/usr/bin:/bin", "HOME=\(box.path("states"))"],
                    input: .bytes(lines), directory: box.work
                ).finish(seconds: 60)
                return (
                    box.read("calls").split(separator: "\n").map { $0.split(separator: " ") },
                    outcome
                )
            }
            // How many calls come before it depends on what has happened at one time.
            for count in 0..<60 {
                if count % 6 == 0 {
                    number = try run(["list"]).report.first {
                        $0.starts(with: ["call", "runtime.1"]) && $0[3] == "waitid"
                    }?[2]
                }
                let (report, outcome) = try run(
                    ["runtime.1", String(try #require(number)), "\(EIO)"])
                guard report.first(where: { $0[0] == "fault" })?[3] == "waitid" else { continue }
                let answers = outcome.output.split(separator: "\n")
                #expect(answers.count { $0.contains("\"status\":\"OK\"") } == 4, "\(outcome)")
                let programs = report.filter { $0[0] == "program" }.map { $0[1] }
                #expect(programs.count == 4, "\(report)")
                #expect(programs.count { $0.hasPrefix("runtime.1.") } == 1, "\(report)")
                #expect(outcome.error.contains("waitid"), "\(outcome)")
                #expect(report.last == ["exit", "0"], "\(report)")
                #expect(!report.contains { $0[0] == "crash" }, "\(report)")
                #expect(HostProcess.concerned(with: box.directory) == [])
                return
            }
            Issue.record("the call was never met")
        }
    }
}
