import Foundation
import Glibc
import Testing

/// `vfs-run batch`, as root and as an ordinary user.
struct BatchTests {
    @Test(arguments: Caller.allCases)
    func `every line of a batch has one answer`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let good: Value = [
                "id": "good",
                "args": ["sh", "-c", "cat; cat /tmp/new; echo $A; id -u; echo e >&2"],
                "stdin": ["text": "in\n"], "env": ["A": "b"],
                "files": ["/tmp/new": ["base64": "bmV3Cg==", "mode": "600"]],
            ]
            let answers = try box.batch(
                caller, ["-j", "2"],
                lines: [
                    good.text, "", "nonsense", #"{"id":"key","args":["true"],"what":1}"#,
                    #"{"id":"none"}"#, Value.job("code", shell: "exit 7").text,
                    #"{"id":"missing","args":["/no/such"]}"#,
                    #"{"id":"bytes","args":["printf","\\377"]}"#,
                    #"{"id":"twice","id":"twice","args":["true"]}"#,
                ])
            let byLine = Dictionary(answers.map { ($0["line"].integer ?? 0, $0) }) { $1 }
            #expect(byLine.keys.sorted() == [1, 3, 4, 5, 6, 7, 8, 9], "\(answers)")
            #expect(byLine[1]?.standardOutput == "in\nnew\nb\n\(caller.id)\n")
            #expect(byLine[1]?["stderr"] == ["text": "e\n"])
            #expect(byLine[1]?["files"] == [:] && byLine[1]?["error"] == .some(.null))
            #expect(byLine[3]?["error"].string?.hasPrefix("column 1: not JSON") == true)
            #expect(byLine[4]?["error"].string?.contains("\"what\" is not known") == true)
            #expect(byLine[4]?["id"] == "key" && byLine[4]?["report"] == .null)
            #expect(byLine[5]?["error"].string?.contains("args") == true)
            #expect(byLine[6]?.status == "RE" && byLine[6]?["report"]["exit_code"] == 7)
            #expect(byLine[7]?.status == "CF" && byLine[7]?["report"]["reason"] == "not found")
            #expect(byLine[8]?["stdout"] == ["base64": "/w=="])
            #expect(byLine[9]?["error"].string?.contains("twice") == true)
        }
    }

    /// One slot, so that one job follows the other where it was.
    @Test(arguments: Caller.allCases)
    func `a job leaves nothing to the next one`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let look = """
                ls -A /tmp; cat file; ls; ls /dev/shm; set -- /proc/[0-9]*; echo $#; hostname
                cat /proc/sysvipc/shm | wc -l; grep -c . /proc/mounts
                """
            let answers = try box.batch(
                caller, ["-j", "1"],
                jobs: [
                    .job("before", shell: look),
                    .job(
                        "dirty",
                        shell: """
                            echo x > /tmp/left; echo y > file; rm -rf folder; touch new /dev/shm/left
                            setsid sleep 1000 </dev/null >/dev/null 2>&1 &
                            hostname other; mkdir -p /tmp/m; exit 0
                            """),
                    .job("after", shell: look),
                ])
            #expect(answers["dirty"]?.status == "OK", "\(answers)")
            #expect(answers["before"]?.standardOutput?.contains("before\n") == true)
            #expect(
                answers["before"]?.standardOutput == answers["after"]?.standardOutput, "\(answers)")
        }
    }

    /// A slot's network is used by one job after the other.
    @Test func `nothing is left in a slot's network`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            guard Host.find("python3") != nil else { try skip("no python3") }
            // The sockets that the kernel and the interpreter have are there in both, under other numbers.
            let look = """
                import os
                foreign = ("softnet_stat", "stat", "netlink", "ptype", "protocols", "sockstat")
                for folder, folders, names in sorted(os.walk("/proc/net")):
                    for name in sorted(names):
                        path = os.path.join(folder, name)
                        if path.split("/")[3] in foreign: continue
                        try: lines = open(path).read().splitlines()
                        except OSError as error: lines = [str(error)]
                        # Names and states of sockets: of those of the sandbox itself there are none.
                        if name == "unix":
                            lines = [words[7:] for words in map(str.split, lines)]
                        print(path, lines)
                for name in ("net/ipv4/ip_default_ttl", "net/core/somaxconn"):
                    print(open("/proc/sys/" + name).read())
                """
            let dirty = """
                import errno, os, socket, struct, time
                # The kernel keeps a flow label longer than the socket: here a minute.
                label = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("!I", 0x12345)
                label += struct.pack("=BBHHHI", 0, 1, 1, 60, 60, 0)
                try:
                    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                    s.setsockopt(socket.IPPROTO_IPV6, 32, label)
                except OSError as error:
                    if error.errno not in (errno.ENOPROTOOPT, errno.EAFNOSUPPORT): raise
                t = socket.socket(); t.bind(("0.0.0.0", 4444)); t.listen()
                a = socket.socket(socket.AF_UNIX); a.bind("\\0left"); a.listen()
                for path in ("ipv4/ip_default_ttl", "core/somaxconn"):
                    try: open("/proc/sys/net/" + path, "w").write("7")
                    except OSError: pass
                ADDED
                if os.fork() == 0:
                    os.setsid(); time.sleep(1000)
                print("done")
                """
            // Each of these moves counters, after which no other trace could be seen.
            let added = """
                u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for address in ("127.0.0.1", "10.0.0.1"):
                    try: u.sendto(b"x", (address, 9))
                    except OSError: pass
                try: socket.create_connection(("127.0.0.1", 4444), 1)
                except OSError: pass
                """
            func python(_ id: String, _ script: String) -> Value {
                ["id": .string(id), "args": ["/usr/bin/python3", "-c", .string(script)]]
            }
            let quiet = dirty.replacingOccurrences(of: "ADDED", with: "")
            let loud = dirty.replacingOccurrences(of: "ADDED", with: added)
            // A slot has two processes, and each a namespace.
            var jobs = (0...1).map { python("before\($0)", look) }
            for (kind, script) in [("quiet", quiet), ("loud", loud)] {
                jobs += (0...3).map { python("\(kind)\($0)", script) }
                jobs.append(
                    .job("\(kind)-link", shell: "ip link set lo up; ip addr add 10.0.0.1/8 dev lo"))
                jobs += (0...1).map { python("\(kind)-after\($0)", look) }
            }
            let answers = try box.batch(
                .root, ["-j", "1", "-u", "0", "--cap-add", "NET_ADMIN"], jobs: jobs)
            let before = answers["before0"]?.standardOutput
            #expect(before?.contains("/proc/net/snmp ") == true, "\(answers)")
            for (id, answer) in answers {
                if id.hasSuffix("-link") {
                    #expect(answer.status == "RE", "\(answer)")
                } else if id.hasPrefix("before") || id.contains("-after") {
                    #expect(answer.standardOutput == before, "\(id): \(answer)")
                } else {
                    #expect(answer.standardOutput == "done\n", "\(answer)")
                }
            }
        }
    }

    @Test func `a job's network with lo is its own`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let answers = try box.batch(
                .root, ["-j", "1", "--network", "lo"],
                jobs: (1...2).map {
                    .job("\($0)", shell: "readlink /proc/self/ns/net; cat /sys/x 2>/dev/null; true")
                })
            let names = answers.values.map(\.standardOutput)
            #expect(Set(names).count == 2, "\(answers)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `limits of a job take the place of the command line's`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            var late = Value.job("late", shell: "sleep 1000")
            late["limits"] = ["wallTime": "200ms"]
            var loud = Value.job("loud", shell: "head -c 100000 /dev/zero")
            loud["limits"] = ["output": 4096]
            var many = Value.job("many", shell: "true & true & true & true & wait")
            many["limits"] = ["pids": 2]
            var wrong = Value.job("wrong", shell: "true")
            wrong["limits"] = ["output": "1g"]
            let answers = try box.batch(
                caller, ["-j", "2"],
                jobs: [late, loud, many, wrong, .job("full", shell: "head -c 2000000 /dev/zero")])
            #expect(answers["late"]?.status == "TO", "\(answers)")
            #expect(answers["late"]?["report"]["limits_hit"] == ["wall"])
            #expect(answers["loud"]?.status == "OL")
            #expect(answers["loud"]?["report"]["output"]["limit"] == 4096)
            #expect(answers["many"]?["report"]["pids"]["limit"] == 2, "\(answers)")
            #expect(answers["wrong"]?["error"].string?.contains("64m") == true)
            // Without an option a job has 1 MiB.
            #expect(answers["full"]?.status == "OL")
        }
    }

    @Test func `figures are those of one job`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let large = "head -c 40000000 /dev/zero | tail -c 30000000 | wc -c"
            let answers = try box.batch(
                .root, ["-j", "1", "-m", "256m", "--pids-limit", "20"],
                jobs: [
                    .job(
                        "large", shell: large + "; for i in 1 2 3 4 5 6; do sleep 0.01 & done; wait"
                    ),
                    .job("small", shell: "true"),
                ])
            let (large_, small) = (answers["large"]?["report"], answers["small"]?["report"])
            #expect((large_?["memory"]["peak"].integer ?? 0) > 20_000_000, "\(answers)")
            #expect((small?["memory"]["peak"].integer ?? .max) < 20_000_000, "\(answers)")
            #expect((small?["pids"]["peak"].integer ?? .max) < 6, "\(answers)")
        }
    }

    @Test func `answers come as jobs end, or in the order of the lines`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            // The first ends when the second has begun to be answered: both run at once.
            let jobs: [Value] = [.job("slow", shell: "sleep 0.5"), .job("fast", shell: "true")]
            let lines = jobs.map(\.text)
            let free = try box.batch(.root, ["-j", "2"], lines: lines).map { $0["id"] }
            #expect(free == ["fast", "slow"])
            let ordered = try box.batch(.root, ["-j", "2", "--ordered"], lines: lines)
            #expect(ordered.map { $0["id"] } == ["slow", "fast"])
        }
    }

    @Test(arguments: Caller.allCases)
    func `files that a job has written are collected`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            var job = Value.job(
                "1", shell: "mkdir out; echo a > out/a; printf '\\377' > out/b; ln -s a out/link")
            job["collect"] = ["out/*"]
            let answers = try box.batch(caller, jobs: [job])
            #expect(
                answers["1"]?["files"] == [
                    "out/a": ["text": "a\n", "mode": "644"],
                    "out/b": ["base64": "/w==", "mode": "644"],
                ], "\(answers)")
        }
    }

    @Test func `a line that is too long is answered and passed over`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let long = "{\"id\":\"" + String(repeating: "x", count: 17 << 20) + "\"}"
            let answers = try box.batch(
                .root, lines: [long, Value.job("next", shell: "true").text])
            #expect(answers.count == 2)
            let found = answers.first { $0["line"] == 1 }
            #expect(found?["error"].string?.contains("16777216") == true)
            #expect(answers.contains { $0["id"] == "next" && $0.status == "OK" })
        }
    }

    @Test func `wrong options are told before a line is read`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            for options in [
                ["-j", "0"], ["-j", "257"], ["--network", "host"], ["--base", "/no/such"],
                ["--max-output", "65m"], ["--file", "/tmp/x=-"], ["-m", "nothing"],
            ] {
                let outcome = try box.startBatch(.root, options, input: .bytes([])).finish()
                #expect(outcome.code == 125 && outcome.error != "", "\(options): \(outcome)")
            }
        }
    }

    @Test func `slots are bound to processors`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let answers = try box.batch(
                .root, ["-j", "1", "--pin"],
                jobs: [.job("1", shell: "grep Cpus_allowed_list /proc/self/status | cut -f2")])
            #expect(Int(answers["1"]?.standardOutput?.dropLast() ?? "") != nil, "\(answers)")
        }
    }

    @Test func `the config of all jobs is printed`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let outcome = try box.startBatch(
                .root, ["-m", "64m", "--print-config"], input: .bytes([])
            ).finish()
            let config = try Value(parsing: outcome.output)
            #expect(config["vfs"]["limits"]["memory"] == "64m", "\(outcome)")
            #expect(config["vfs"]["limits"]["output"] == "1m")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `a signal ends a batch and its jobs`(_ signal: CInt) throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let batch = try box.startBatch(.root, ["-j", "2", "-m", "64m"], input: .open)
            batch.write(Value.job("first", shell: "echo").text + "\n")
            #expect(try batch.readLine().contains("\"first\""))
            batch.write(Value.job("second", shell: "sleep 1000").text + "\n")
            batch.write(Value.job("third", shell: "echo").text + "\n")
            #expect(try batch.readLine().contains("\"third\""))
            batch.send(signal)
            let outcome = try batch.finish()
            #expect(outcome.code == 128 + signal, "\(outcome)")
            #expect(outcome.error.contains("ended the batch"), "\(outcome)")
            #expect(HostProcess.concerned(with: box.directory) == [])
        }
    }

    /// The watchdog of each slot kills what runs, and removes the control groups.
    @Test func `a batch that is killed leaves nothing`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let lines = String(repeating: Value.job("x", shell: "sleep 1000").text + "\n", count: 3)
            for _ in 1...10 {
                let batch = try box.startBatch(.root, ["-j", "4", "-m", "64m"], input: .open)
                batch.write(Value.job("first", shell: "echo").text + "\n")
                #expect(try batch.readLine().contains("\"first\""))
                batch.write(lines)
                let slots = HostProcess.children(of: batch.pid)
                // They remove the control groups when everything else has ended.
                let watchdogs = slots.flatMap { HostProcess.children(of: $0) }
                    .filter(HostProcess.isWatchdog)
                batch.send(SIGKILL)
                _ = try batch.finish()
                for pid in HostProcess.concerned(with: box.directory) + watchdogs {
                    #expect(HostProcess.waitForEnd(of: pid, milliseconds: 10_000))
                }
                for slot in slots {
                    #expect(ControlGroups.named("vfs-run-\(slot)") == [])
                }
            }
        }
    }
}
