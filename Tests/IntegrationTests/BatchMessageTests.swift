import Foundation
import Glibc
import Testing

/// What `vfs-run batch` says, and what it takes from a line.
struct BatchMessageTests {
    private static let withoutGroups = ["--cgroup-manager", "disabled"]

    private func limited(_ id: String) -> Value {
        var job = Value.job(id, shell: "true")
        job["limits"] = ["memory": "64m"]
        return job
    }

    @Test func `best effort holds for the limits of a line`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            for (options, status) in [([], "XX"), (["--best-effort"], "OK")] {
                let outcome = try box.startBatch(
                    .root, options, global: Self.withoutGroups,
                    input: .bytes(Array((limited("1").text + "\n").utf8))
                ).finish()
                #expect(try Value(parsing: outcome.output).status == status, "\(outcome)")
            }
        }
    }

    @Test(arguments: [false, true])
    func `a warning is told once, and not with --quiet`(_ isQuiet: Bool) throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            var other = Value.job("other", shell: "true")
            other["cwd"] = "/"
            let jobs = [Value.job("1", shell: "true"), other, limited("2"), limited("3"), other]
            let outcome = try box.startBatch(
                .root, ["-j", "2", "-m", "32m", "--best-effort"], global: Self.withoutGroups,
                isQuiet: isQuiet,
                input: .bytes(Array(jobs.map { $0.text + "\n" }.joined().utf8))
            ).finish(seconds: 60)
            #expect(outcome.code == 0 && outcome.output.contains("\"other\""), "\(outcome)")
            let lines = outcome.error.split(separator: "\n").filter { $0.contains("warning: ") }
            #expect(lines.isEmpty == isQuiet, "\(outcome)")
            #expect(Set(lines).count == lines.count, "\(lines)")
        }
    }

    @Test func `too many collected files are told in words of batch`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            var job = Value.job(
                "1", shell: "mkdir out; i=0; while [ $i -lt 260 ]; do : > out/$i; i=$((i+1)); done")
            job["collect"] = ["out/*"]
            let error = try box.batch(.root, jobs: [job])["1"]?["error"].string ?? ""
            #expect(error.contains("more than 256 files"), "\(error)")
            #expect(!error.contains("--collect-limit"), "\(error)")
        }
    }

    @Test func `a server without jobs that a signal ends owes none`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let batch = try box.startBatch(.root, ["-j", "1"], input: .open)
            batch.write(Value.job("first", shell: "echo").text + "\n")
            #expect(try batch.readLine().contains("\"first\""))
            batch.send(SIGTERM)
            let outcome = try batch.finish()
            #expect(outcome.error.contains("ended the batch"), "\(outcome)")
            #expect(!outcome.error.contains("send them again"), "\(outcome)")
        }
    }

    @Test func `an error about a long argument is short`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let long = Value.string(String(repeating: "x", count: 200_000))
            let answers = try box.batch(
                .root, jobs: [["id": "1", "args": ["/bin/true", long]]])
            let error = answers["1"]?["error"].string ?? ""
            #expect(error.contains("argument list too long"), "\(error.prefix(200))")
            #expect(error.utf8.count < 3000)
        }
    }

    @Test func `a file of a line stands in it once, however it is spelled`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            var job = Value.job("1", shell: "cat /tmp/a")
            job["files"] = ["/tmp/a": ["text": "1"], "/tmp//a": ["text": "2"]]
            let answers = try box.batch(
                .root,
                lines: [
                    job.text,
                    #"{"id":"2","args":["true"],"files":{"/tmp/a":{"text":"1"},"/tmp/a":{"text":"2"}}}"#,
                ])
            #expect(answers.count == 2)
            for answer in answers {
                #expect(answer["report"] == .null, "\(answer)")
                #expect(answer["error"].string?.contains("/tmp/a") == true, "\(answer)")
            }
        }
    }

    /// The container of the next job is made while there is none.
    @Test func `jobs of several kinds are each run by their own plan`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let batch = try box.startBatch(.root, ["-j", "1"], input: .open)
            func ask(_ job: Value) throws -> Value {
                batch.write(job.text + "\n")
                return try Value(parsing: batch.readLine())
            }
            for round in 1...3 {
                let plain = try ask(.job("a", shell: "cat; pwd"))
                #expect(plain.standardOutput == box.work + "\n", "\(plain)")
                var other = Value.job("b", shell: "cat; cat /tmp/x; pwd; echo $A")
                other["cwd"] = "/tmp"
                other["stdin"] = ["text": "in\(round)\n"]
                other["files"] = ["/tmp/x": ["text": "x\(round)\n"]]
                other["env"] = ["A": "b"]
                let answer = try ask(other)
                #expect(
                    answer.standardOutput == "in\(round)\nx\(round)\n/tmp\nb\n", "\(answer)")
                #expect(try ask(.job("c", shell: "exit 3"))["report"]["exit_code"] == 3)
                batch.write("nonsense\n")
                #expect(try batch.readLine().contains("not JSON"))
            }
            batch.closeInput()
            #expect(try batch.finish().code == 0)
            #expect(HostProcess.concerned(with: box.directory) == [])
        }
    }

    @Test func `a container that ends before its job is made anew`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let batch = try box.startBatch(.root, ["-j", "1"], input: .open)
            batch.write(Value.job("1", shell: "true").text + "\n")
            #expect(try batch.readLine().contains("\"OK\""))
            for _ in 1...5 {
                for slot in HostProcess.children(of: batch.pid) {
                    for child in HostProcess.children(of: slot)
                    where !HostProcess.isWatchdog(child) {
                        kill(child, SIGKILL)
                        #expect(HostProcess.waitForEnd(of: child, milliseconds: 10_000))
                    }
                }
                batch.write(Value.job("2", shell: "true").text + "\n")
                #expect(try batch.readLine().contains("\"OK\""))
            }
            batch.closeInput()
            #expect(try batch.finish().code == 0)
        }
    }
}
