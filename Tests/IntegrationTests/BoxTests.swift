import Foundation
import Glibc
import Testing

/// The boxes of `vfs-run isolate`.
struct BoxTests: BoxRuns {
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
