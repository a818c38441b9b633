import Foundation
import Glibc
import Testing

/// `vfs-run isolate`, by the calls that graders make of it.
struct IsolateTests {
    /// A run of isolate's command line.
    private func isolate(
        _ caller: Caller, _ box: Sandbox, _ words: [String], input: Running.Input = .bytes([])
    ) throws -> Running {
        let variables = [
            "PATH=/usr/bin:/bin", "VFS_RUN_BOXES=\(box.path("states"))/boxes", "LANG=C.UTF-8",
            "HOME=\(box.path("states"))",
        ]
        guard caller == .ordinary else {
            return try Running(
                Host.runtime, ["isolate"] + words, environment: variables, input: input)
        }
        let line = try OrdinaryUser().command(box, box.path("vfs-run"), ["isolate"] + words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            input: input)
    }

    /// The lines of the meta file with every number of a figure as N.
    private func meta(_ box: Sandbox) -> [String] {
        let figures = ["time", "time-wall", "max-rss", "csw-voluntary", "csw-forced", "cg-mem"]
        return box.read("states/meta").split(separator: "\n").map { line in
            let key = String(line.prefix { $0 != ":" })
            return figures.contains(key) ? key + ":N" : String(line)
        }
    }

    private static let figures = [
        "time:N", "time-wall:N", "max-rss:N", "csw-voluntary:N", "csw-forced:N",
    ]

    private func make(
        _ caller: Caller, _ box: Sandbox, _ options: [String], files: [String: String] = [:]
    ) throws {
        try box.prepareWork(caller)
        if caller == .root { try box.makeDirectory("states") }
        let made = try isolate(caller, box, options + ["--init"]).finish()
        #expect(made.code == 0, "\(made)")
        let directory = made.output.trimmingCharacters(in: .newlines)
        #expect(directory.hasPrefix(box.path("states/boxes/")), "\(made)")
        for (name, text) in files {
            try box.write(directory + "/box/" + name, text, mode: 0o755)
            chown(directory + "/box/" + name, caller.id, caller.id)
        }
    }

    private func remove(_ caller: Caller, _ box: Sandbox, _ options: [String]) throws {
        let removed = try isolate(caller, box, options + ["--cleanup"]).finish()
        #expect(removed.code == 0 && removed.output.isEmpty, "\(removed)")
        let left = try FileManager.default.contentsOfDirectory(atPath: box.path("states/boxes"))
        #expect(left == ["locks"])
    }

    // MARK: judge0

    /// app/jobs/isolate_job.rb of judge0.
    private func judge0(
        _ box: Sandbox, _ group: [String], _ memory: String, time: String = "5", wall: String = "10"
    ) -> [String] {
        group + ["-s", "-b", "17", "-M", box.path("states/meta")]
            + ["-t", time, "-x", "1", "-w", wall, "-k", "64000", "-p60"]
            + (group.isEmpty ? [] : ["--cg-timing"]) + memory.split(separator: " ").map(String.init)
            + ["-f", "1024", "-E", "HOME=/tmp"]
            + ["-E", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
            + ["-E", "LANG", "-E", "LANGUAGE", "-E", "LC_ALL", "-E", "JUDGE0_HOMEPAGE"]
            + ["-d", "/etc:noexec", "--run", "--", "/bin/bash", "run.sh"]
    }

    @Test(arguments: Caller.allCases)
    func `judge0 runs a script without a control group`(_ caller: Caller) throws {
        try Sandbox.use { box in
            let script = """
                read line; echo "$line $HOME $LANG $(pwd)"; ls /sys/class 2>/dev/null
                cat /etc/shadow 2>/dev/null; echo x > /tmp/y; echo no >&2
                head -c 2000000 /dev/zero > big; exit 4
                """
            try make(caller, box, ["-b", "17"], files: ["run.sh": script])
            let run = try isolate(
                caller, box, judge0(box, [], "-m 512000"), input: .bytes(Array("in\n".utf8))
            ).finish()
            #expect(run.output == "in /tmp C.UTF-8 /box\n", "\(run)")
            #expect(run.code == 1 && run.error.hasPrefix("no\n"), "\(run)")
            #expect(
                meta(box) == Self.figures + [
                    "exitcode:4", "status:RE", "message:Exited with error status 4",
                ])
            #expect(!box.exists("states/boxes/17/box/y"))
            #expect(box.read("states/boxes/17/tmp/tmp/y") == "x\n")
            try remove(caller, box, ["-b", "17"])
        }
    }

    @Test func `judge0 runs a script with a control group`() throws {
        try Sandbox.use { box in
            try make(
                .root, box, ["--cg", "-b", "17"], files: ["run.sh": "tail /dev/zero; echo $?"])
            let run = try isolate(.root, box, judge0(box, ["--cg"], "--cg-mem=32768")).finish()
            #expect(run.output == "137\n" && run.code == 0, "\(run)")
            #expect(
                meta(box) == Self.figures + ["cg-mem:N", "cg-oom-killed:1", "exitcode:0"])
            try box.write("states/boxes/17/box/run.sh", "while :; do :; done")
            let late = try isolate(
                .root, box, judge0(box, ["--cg"], "--cg-mem=32768", time: "0.2", wall: "20")
            ).finish()
            #expect(late.code == 1 && late.error.isEmpty, "\(late)")
            #expect(
                meta(box) == ["status:TO", "message:Time limit exceeded", "killed:1"]
                    + Self.figures + ["cg-mem:N"])
            try remove(.root, box, ["--cg", "-b", "17"])
        }
    }

    // MARK: CMS

    /// cms/grading/Sandbox.py of CMS.
    private func cms(_ box: Sandbox, _ options: [String], _ command: [String]) -> [String] {
        ["--cg", "--box-id=1003", "--chdir=/tmp", "--dir=/tmp=\(box.path("states/home")):rw"]
            + ["--dir=/dev/shm:tmp", "--dir=/etc/alternatives:maybe", "--dir=/opt/pypy3:maybe"]
            + ["--dir=/etc/mono:noexec:maybe", "--env=HOME=/tmp", "--stdin=/tmp/in.txt"]
            + ["--stack=1048576", "--cg-mem=262144", "--stdout=/tmp/out.txt", "--processes=1"]
            + ["--stderr=/tmp/err.txt"] + options
            + ["--meta=\(box.path("states/meta"))", "--run", "--"] + command
    }

    @Test func `CMS runs a program over files of the box`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["--cg", "--box-id=1003"])
            try box.write("states/home/in.txt", "one\ntwo\n")
            let run = try isolate(
                .root, box, cms(box, ["--time=2", "--wall-time=5"], ["/usr/bin/tac", "-"])
            ).finish()
            #expect(run.code == 0 && run.output.isEmpty, "\(run)")
            #expect(run.error.hasPrefix("OK ("), "\(run)")
            #expect(box.read("states/home/out.txt") == "two\none\n")
            #expect(meta(box) == Self.figures + ["cg-mem:N", "exitcode:0"])
            // What it made is the caller's.
            var status = stat()
            stat(box.path("states/home/out.txt"), &status)
            #expect(status.st_uid == 0)
            let late = try isolate(
                .root, box, cms(box, ["--time=2", "--wall-time=0.1"], ["/bin/sleep", "10"])
            ).finish()
            #expect(late.code == 1 && late.error == "Time limit exceeded (wall clock)\n", "\(late)")
            #expect(
                meta(box) == ["status:TO", "message:Time limit exceeded (wall clock)", "killed:1"]
                    + Self.figures + ["cg-mem:N"])
            let closing = try isolate(
                .root, box,
                ["--box-id=1003", "--cg", "--dir=/tmp=\(box.path("states/home")):rw", "--run"]
                    + ["--", "/bin/chmod", "777", "-R", "/tmp"]
            ).finish()
            #expect(closing.code == 0, "\(closing)")
            try remove(.root, box, ["--box-id=1003", "--cg"])
        }
    }

    /// A manager and a program talk through FIFOs, of which neither is there first.
    @Test func `CMS connects programs by FIFOs, whose opening is part of the wall time`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["--cg", "--box-id=1003"])
            try box.makeDirectory("states/home")
            mkfifo(box.path("states/home/in.txt"), 0o666)
            let waiting = try isolate(
                .root, box, cms(box, ["--wall-time=20"], ["/bin/cat"]))
            let writer = open(box.path("states/home/in.txt"), O_WRONLY)
            write(writer, "through\n", 8)
            close(writer)
            #expect(try waiting.finish().code == 0)
            #expect(box.read("states/home/out.txt") == "through\n")
            let alone = try isolate(
                .root, box, cms(box, ["--wall-time=0.2"], ["/bin/cat"])
            ).finish()
            #expect(alone.code == 1, "\(alone)")
            #expect(
                meta(box).prefix(2) == ["status:TO", "message:Time limit exceeded (wall clock)"])
            try remove(.root, box, ["--box-id=1003", "--cg"])
        }
    }

    // MARK: piston

    /// api/src/job.js of piston.
    private func piston(_ box: Sandbox, _ memory: [String], time: String) -> [String] {
        [
            "--run", "-b3", "--meta=\(box.path("states/meta"))", "--cg", "-s", "-c",
            "/box/submission",
        ]
            + [
                "-E", "HOME=/tmp", "-E", "PISTON_LANGUAGE=bash",
                "--dir=\(box.path("states/package"))",
            ]
            + ["--dir=/etc:noexec", "--processes=64", "--open-files=2048", "--fsize=10000"]
            + ["--wall-time=3", "--time=\(time)", "--extra-time=0"] + memory
            + ["--", "/bin/bash", box.path("states/package/run"), "job", "a", "b"]
    }

    @Test func `piston runs a package's script over a submission`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["--cg", "-b3"], files: ["submission/job": "kill -11 $$"])
            try box.write(
                "states/package/run", "echo $PISTON_LANGUAGE $# $(pwd); exec /bin/sh \"$1\"")
            let run = try isolate(.root, box, piston(box, ["--cg-mem=100000"], time: "3")).finish()
            #expect(run.output == "bash 3 /box/submission\n", "\(run)")
            #expect(run.code == 1, "\(run)")
            #expect(
                meta(box) == Self.figures + [
                    "cg-mem:N", "exitsig:11", "status:SG", "message:Caught fatal signal 11",
                ])
            try remove(.root, box, ["--cleanup", "--cg", "-b3"].filter { $0 != "--cleanup" })
        }
    }

    @Test func `a signal ends the program at once, whatever it makes of signals`() throws {
        try Sandbox.use { box in
            try make(
                .root, box, ["--cg", "-b3"],
                files: ["submission/job": "trap '' TERM; echo ready; while :; do :; done"])
            try box.write("states/package/run", "exec /bin/sh \"$1\"")
            let running = try isolate(.root, box, piston(box, [], time: "30"))
            #expect(try running.readLine() == "ready")
            running.send(SIGTERM)
            #expect(try running.finish().code == 1)
            #expect(
                meta(box) == ["exitsig:15", "status:SG", "message:Interrupted", "killed:1"]
                    + Self.figures + ["cg-mem:N"])
            try remove(.root, box, ["--cg", "-b3"])
        }
    }

    // MARK: Boxes

    @Test(arguments: Caller.allCases)
    func `links, FIFOs and sockets do not stay in a box`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try make(caller, box, [])
            let script = """
                mkdir d; ln -s /etc/passwd d/link; mkfifo d/fifo; echo x > d/file; chmod 0 d; ls d
                """
            for (options, names) in [
                ([], ["file"]), (["--special-files"], ["fifo", "file", "link"]),
            ] {
                let run = try isolate(
                    caller, box,
                    options + [
                        "-p", "-s", "-E", "PATH=/bin", "--run", "--", "/bin/sh", "-c", script,
                    ]
                ).finish()
                #expect(run.code < 2, "\(run)")
                chmod(box.path("states/boxes/0/box/d"), 0o755)
                let left = try FileManager.default.contentsOfDirectory(
                    atPath: box.path("states/boxes/0/box/d"))
                #expect(left.sorted() == names)
                #expect(
                    try isolate(caller, box, ["--init"]).finish().output
                        == box.path("states/boxes/0") + "\n")
                #expect(!box.exists("states/boxes/0/box/d"))
            }
            try remove(caller, box, [])
        }
    }

    @Test(arguments: Caller.allCases)
    func `a program has one process, unless more are allowed`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try make(caller, box, [])
            let script = "/bin/true || exit 3; { /bin/true; } & wait $!"
            for (options, code) in [([], 1), (["-p1"], 1), (["--processes=2"], 0), (["-p"], 0)]
                as [([String], Int32)]
            {
                let run = try isolate(
                    caller, box, options + ["-s", "--run", "--", "/bin/sh", "-c", script]
                ).finish()
                #expect(run.code == code, "\(options) \(run)")
            }
            try remove(caller, box, [])
        }
    }

    @Test func `a box is one process's, made and in its mode`() throws {
        try Sandbox.use { box in
            try make(.root, box, ["-b", "5"])
            let running = try isolate(
                .root, box, ["-b", "5", "--run", "--", "/bin/sh", "-c", "echo ready; read x"],
                input: .open)
            #expect(try running.readLine() == "ready")
            let busy = try isolate(.root, box, ["-b", "5", "--run", "--", "/bin/true"]).finish()
            #expect(busy.code == 2 && busy.error.contains("in use"), "\(busy)")
            let waiting = try isolate(
                .root, box, ["-b", "5", "--wait", "-s", "--run", "--", "/bin/true"])
            running.closeInput()
            _ = try running.finish()
            #expect(try waiting.finish().code == 0)
            let mode = try isolate(.root, box, ["-b", "5", "--cg", "--cleanup"]).finish()
            #expect(mode.code == 2 && mode.error.contains("without --cg"), "\(mode)")
            let other = try isolate(
                .root, box, ["-b", "6", "-M", box.path("states/meta"), "--run", "--", "/bin/true"]
            ).finish()
            #expect(other.code == 2 && other.error.contains("--init"), "\(other)")
            #expect(meta(box).first == "status:XX")
            #expect(try isolate(.root, box, ["-b", "6", "--cleanup"]).finish().code == 0)
            try remove(.root, box, ["-b", "5"])
        }
    }

    @Test func `a program that is not there ends with 127, and its streams must open`() throws {
        try Sandbox.use { box in
            try make(.root, box, [], files: ["a.out": "#!/bin/sh\nexit 9\n"])
            let options = ["-M", box.path("states/meta"), "-s"]
            let none = try isolate(.root, box, options + ["--run", "--", "/none"]).finish()
            #expect(none.code == 1, "\(none)")
            #expect(
                meta(box) == Self.figures + [
                    "exitcode:127", "status:RE", "message:Exited with error status 127",
                ])
            // PATH is not searched, and a name is one of /box.
            let found = try isolate(.root, box, options + ["--run", "a.out"]).finish()
            #expect(found.code == 1 && meta(box).contains("exitcode:9"), "\(found)")
            let stream = try isolate(
                .root, box, options + ["-i", "gone", "--run", "--", "/bin/cat"]
            ).finish()
            #expect(stream.code == 2 && stream.error.contains("/box/gone"), "\(stream)")
            #expect(meta(box).first == "status:XX")
            try remove(.root, box, [])
        }
    }

    /// The name of a descriptor of the runtime's own is reached by no link of the box.
    @Test func `no link leads a stream through procfs or out of the box`() throws {
        try Sandbox.use { box in
            try make(.root, box, [])
            let place = box.path("states/boxes/0/box")
            try box.link(place + "/magic", to: "/proc/self/fd/3")
            try box.link(place + "/out", to: "../../../../../../../..\(box.canary)/file")
            for name in ["magic", "out"] {
                let run = try isolate(
                    .root, box,
                    ["--special-files", "-s", "-o", name, "--run", "--", "/bin/echo", "x"]
                ).finish()
                #expect(run.code == 2, "\(run)")
            }
            #expect(box.read("canary/file") == "untouched\n")
            try remove(.root, box, [])
        }
    }

    @Test func `a limit of memory that cannot hold is an error, or holds for each process`() throws
    {
        try Sandbox.use { box in
            try make(.ordinary, box, ["--cg"])
            let options = ["--cg", "--cg-mem=65536", "-s"]
            let command = ["--run", "--", "/usr/bin/tail", "/dev/zero"]
            let refused = try isolate(.ordinary, box, options + command).finish()
            #expect(refused.code == 2 && refused.error.contains("memory"), "\(refused)")
            let run = try isolate(.ordinary, box, options + ["--best-effort"] + command).finish()
            #expect(run.code == 1 && run.error.contains("exhausted"), "\(run)")
            try remove(.ordinary, box, ["--cg"])
        }
    }

    @Test(arguments: Caller.allCases)
    func `limits of each process and streams are as asked for`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try make(caller, box, [])
            let script = """
                for name in s n f c l v; do ulimit -$name; done; echo $LANG; echo error >&2
                """
            let limits = ["-k", "8192", "-n", "50", "-f", "100", "--core=1", "-m", "4000000"]
            let run = try isolate(
                caller, box,
                limits + ["-e", "-s", "--stderr-to-stdout", "-o", "out", "--no-cg-timing"]
                    + ["--run", "--", "/bin/bash", "-c", script]
            ).finish()
            #expect(run.code == 0 && run.output.isEmpty && run.error.isEmpty, "\(run)")
            #expect(
                box.read("states/boxes/0/box/out").split(separator: "\n") == [
                    "8192", "50", "100", "1", "0", "4000000", "C.UTF-8", "error",
                ])
            try remove(caller, box, [])
        }
    }

    @Test(arguments: Caller.allCases)
    func `a box shows its directories and no others`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try make(caller, box, [])
            func list(_ options: [String], _ script: String) throws -> [Substring] {
                let words = ["-s"] + options + ["--run", "--", "/bin/sh", "-c", script]
                let run = try isolate(caller, box, words).finish()
                #expect(run.code == 0, "\(run)")
                return run.output.split(separator: "\n")
            }
            let all = "for path in /*; do echo $path; done"
            let standard = ["/bin", "/box", "/dev", "/lib", "/lib64", "/proc", "/tmp", "/usr"]
            #expect(try list([], all).map(String.init) == standard)
            let few = ["-D", "-d", "box=./box:rw", "-d", "bin", "-d", "lib", "-d", "lib64:maybe"]
            #expect(try list(few, all) == ["/bin", "/box", "/dev", "/lib", "/lib64"])
            #expect(try list(["-d", "x=tmpfs:fs:rw"], "echo a > /x/y && echo /x/*") == ["/x/y"])
            #expect(
                try list([], "while read l; do echo \"$l\"; done < /proc/net/dev").count == 3)
            #expect(
                try list(["--share-net", "-d", "/h=\(box.canary):noexec"], "echo /h/*")
                    == ["/h/file"])
            let own = Host.read("/proc/self/net/dev").split(separator: "\n").count
            #expect(
                try list(
                    ["--share-net"], "while read l; do echo \"$l\"; done < /proc/net/dev"
                ).count == own)
            try remove(caller, box, [])
        }
    }

    /// A directory that is only read shows what every user may read: root's secrets stay root's.
    @Test func `a directory of root's that is only read is nobody's inside`() throws {
        try Sandbox.use { box in
            try make(.root, box, [])
            try box.write("secrets/open", "open\n")
            try box.write("secrets/closed", "closed\n", mode: 0o600)
            let run = try isolate(
                .root, box,
                ["-s", "-p", "-d", "/s=\(box.path("secrets"))", "--run", "--"]
                    + ["/bin/cat", "/s/open", "/s/closed"]
            ).finish()
            #expect(run.output == "open\n" && run.code == 1, "\(run)")
            try remove(.root, box, [])
        }
    }

    @Test func `a terminal is the program's own`() throws {
        try Sandbox.use { box in
            try make(.root, box, [])
            let terminal = try PseudoTerminal()
            let run = try isolate(
                .root, box, ["--tty-hack", "-s", "--run", "--", "/usr/bin/tty"],
                input: .terminal(terminal.name))
            try terminal.waitFor("/dev/pts/0")
            #expect(try run.finish().code == 0)
            try remove(.root, box, [])
        }
    }

    @Test func `under the name isolate the program is isolate`() throws {
        try Sandbox.use { box in
            let name = try box.link("isolate", to: Host.runtime)
            try box.makeDirectory("states")
            let variables = ["VFS_RUN_BOXES=\(box.path("states"))/boxes"]
            let made = try Running(name, ["-b", "2", "--init"], environment: variables).finish()
            #expect(made.output == box.path("states/boxes/2") + "\n", "\(made)")
            let run = try Running(
                name, ["-b", "2", "-M", "-", "-s", "--run", "--", "/bin/echo", "-n", "x"],
                environment: variables
            ).finish()
            #expect(run.output.hasPrefix("xtime:0."), "\(run)")
            _ = try Running(name, ["-b", "2", "--cleanup"], environment: variables).finish()
            #expect(try Running(name, ["-v", "--print-cg-root"]).finish().output.hasPrefix("/"))
            #expect(try Running(name, ["--check-config"]).finish().code == 0)
        }
    }
}
