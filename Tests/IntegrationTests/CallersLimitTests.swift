import Glibc
import Testing

/// The limits that the runtime's caller has set: the runtime gets by with them or names them, and the
/// program has them.
struct CallersLimitTests {
    /// The runtime below a shell that has set limits.
    private func run(
        _ box: Sandbox, _ limits: String, _ config: Value, _ options: [String] = []
    ) throws -> Outcome {
        let file = try box.write("bundle/config.json", config.prettyText)
        return try Running(
            "/bin/sh",
            ["-c", "\(limits); exec \"$@\"", "sh", Host.runtime] + options + [file],
            environment: ["PATH=/usr/bin:/bin"]
        ).finish()
    }

    private func config(_ box: Sandbox, _ script: String) -> Value {
        var config = box.config()
        config.run(["/bin/sh", "-c", script])
        return config
    }

    // MARK: The stack

    @Test(arguments: ["ulimit -s 64", "ulimit -S -s 64", "ulimit -s 16", "ulimit -s unlimited"])
    func `a small stack is the program's, and does for the runtime`(_ limit: String) throws {
        try Sandbox.use { box in
            let size = limit.split(separator: " ").last ?? ""
            let outcome = try run(box, limit, config(box, "ulimit -S -s"))
            #expect(outcome.code == 0 && outcome.output == "\(size)\n", "\(outcome)")
        }
    }

    @Test func `words and environment reach a runtime with a small stack`() throws {
        try Sandbox.use { box in
            let words = (0..<1000).map { "word \($0)" }
            let outcome = try Running(
                "/bin/sh",
                ["-c", "ulimit -s 64; exec \"$@\"", "sh", Host.runtime, "help", "nothing"] + words,
                environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(outcome.code != 128 + SIGSEGV && !outcome.error.isEmpty, "\(outcome)")
        }
    }

    @Test func `a runtime with a small stack has a guard page at its end`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.run(["/probe", "--wait"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let running = try Running(
                "/bin/sh", ["-c", "ulimit -s 64; exec \"$@\"", "sh", Host.runtime, file],
                input: .open)
            _ = try running.readLine()
            let (start, below) = try #require(HostProcess.stack(of: running.pid))
            #expect(below.range.upperBound == start)
            #expect(below.access.hasPrefix("---"), "\(below)")
            running.send(SIGTERM)
            _ = try running.finish()
        }
    }

    @Test func `the config's stack is the program's`() throws {
        try Sandbox.use { box in
            var config = config(box, "ulimit -S -s; ulimit -H -s")
            config["process"]["rlimits"] = [
                ["type": "RLIMIT_STACK", "soft": 204_800, "hard": 409_600]
            ]
            let outcome = try run(box, "ulimit -S -s 64", config)
            #expect(outcome.output == "200\n400\n", "\(outcome)")
        }
    }

    // MARK: Sizes of files

    @Test func `a file that may not be so large is an error that names the limit`() throws {
        try Sandbox.use { box in
            box.mayChange = ["keep", "keep/upper", "keep/work"]
            let outcome = try run(
                box, "ulimit -f 0", config(box, "echo ran"), ["--upper", box.path("keep")])
            #expect(outcome.code == 125 && outcome.output == "", "\(outcome)")
            #expect(
                outcome.error.contains("file too large: the limit RLIMIT_FSIZE (ulimit -f) is 0"),
                "\(outcome)")
        }
    }

    @Test func `so is one that the init process writes`() throws {
        try Sandbox.use { box in
            var config = config(box, "echo ran")
            try box.write("extra/kept/file", String(repeating: "x", count: 4096))
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.mount("/kept", "tmpfs", ["tmpcopyup"]))
            let outcome = try run(box, "ulimit -f 1", config)
            #expect(outcome.code == 125 && outcome.output == "", "\(outcome)")
            #expect(outcome.error.contains("RLIMIT_FSIZE (ulimit -f) is 512"), "\(outcome)")
        }
    }

    @Test func `the program has that limit, and ends by its signal`() throws {
        try Sandbox.use { box in
            // Not the first process, which the kernel spares.
            var config = config(box, "ulimit -f; sh -c 'echo x > /tmp/file; :'; echo $?")
            let outcome = try run(box, "trap '' XFSZ; ulimit -f 0", config)
            #expect(outcome.output == "0\n\(128 + SIGXFSZ)\n", "\(outcome)")
            config.run(["/bin/grep", "SigIgn", "/proc/self/status"])
            let ignored = try run(box, "trap '' XFSZ", config)
            #expect(ignored.output == "SigIgn:\t0000000000000000\n", "\(ignored)")
        }
    }

    // MARK: Open files

    @Test func `more bind mounts than files may be open need no more of the caller`() throws {
        try Sandbox.use { box in
            try box.write("source", "here\n")
            var config = config(box, "ulimit -S -n; ulimit -H -n; cat /mnt/f299")
            for index in 0..<300 {
                config["mounts"].append(
                    Config.bind(box.path("source"), "/mnt/f\(index)", ["ro"]))
            }
            let outcome = try run(box, "ulimit -S -n 256; ulimit -H -n 1000", config)
            #expect(outcome.code == 0 && outcome.output == "256\n1000\nhere\n", "\(outcome)")
            let tooFew = try run(box, "ulimit -n 256", config)
            #expect(tooFew.code == 125, "\(tooFew)")
            #expect(
                tooFew.error.contains(
                    "too many open files: the limit RLIMIT_NOFILE (ulimit -n) is 256"), "\(tooFew)")
        }
    }

    @Test func `hooks have the caller's, and the config's program its own`() throws {
        try Sandbox.use { box in
            let said = box.path("said")
            box.mayChange = ["said"]
            var config = config(box, "ulimit -S -n")
            config["process"]["rlimits"] = [["type": "RLIMIT_NOFILE", "soft": 77, "hard": 99]]
            config["hooks"] = [
                "createRuntime": [
                    ["path": "/bin/sh", "args": ["sh", "-c", "ulimit -S -n > \(said)"]]
                ]
            ]
            let outcome = try run(box, "ulimit -S -n 300", config)
            #expect(outcome.output == "77\n", "\(outcome)")
            #expect(box.read("said") == "300\n")
        }
    }

    @Test func `exec has those of its own caller`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let outcome = try Running(
                "/bin/sh",
                [
                    "-c", "ulimit -S -n 300; ulimit -S -s 512; exec \"$@\"", "sh", Host.runtime,
                    "--root", box.stateRoot, "exec", box.id(), "/bin/sh", "-c",
                    "ulimit -S -n; ulimit -S -s",
                ], environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(outcome.output == "300\n512\n", "\(outcome)")
        }
    }
}
