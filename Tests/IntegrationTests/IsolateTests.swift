import Foundation
import Glibc
import Testing

/// `vfs-run isolate`, by the calls that graders make of it.
struct IsolateTests: BoxRuns {
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
}
