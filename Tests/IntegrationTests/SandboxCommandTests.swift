import Foundation
import Glibc
import Testing

/// `vfs-run sandbox`, as root and as an ordinary user.
struct SandboxCommandTests {
    @Test(arguments: Caller.allCases)
    func `what a command writes does not reach the host`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller,
                shell: """
                    cat file folder/inner; echo after > file; rm -r folder; mkdir folder
                    echo new > new; ls folder; cat file new; exit 7
                    """)
            #expect(outcome.output == "before\ninner\nafter\nnew\n", "\(outcome)")
            #expect(outcome.code == 7, "\(outcome)")
            #expect(outcome.error == "", "\(outcome)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `a command is the caller and has no rights`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller,
                shell: """
                    id -u; id -g; stat -c '%u %g' . file; pwd
                    grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status
                    ls /sys/class/net 2>&1; cat /proc/net/dev | grep -c :; umask
                    echo $PATH; echo $HOME; env | cut -d= -f1 | sort | tr '\\n' ' '
                    """)
            let id = caller.id
            let none = "0000000000000000"
            let lines = outcome.output.split(separator: "\n").map(String.init)
            #expect(
                lines.prefix(4) == ["\(id)", "\(id)", "\(id) \(id)", "\(id) \(id)"], "\(outcome)")
            #expect(lines.contains(box.work))
            for name in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(lines.contains("\(name):\t\(none)"), "\(outcome)")
            }
            #expect(lines.contains("NoNewPrivs:\t1") && lines.contains("Seccomp:\t2"), "\(outcome)")
            #expect(lines.last?.hasPrefix("HOME LANG PATH PWD") == true, "\(outcome)")
        }
    }

    /// No path leads to the host's tree, and no directory with sockets of daemons is there.
    @Test(arguments: Caller.allCases)
    func `a command sees the system's programs and little else`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller,
                shell: """
                    for path in /run /sys /boot /srv /mnt /root/.ssh /etc/shadow /etc/ssl/private \
                        /var/lib \(box.canary) /..\(box.canary) /proc/1/root/run; do
                        [ -e $path ] && echo "$path is there"
                    done
                    ls -A /tmp | grep -v vfs-run-test; [ -x /usr/bin/env ] || echo no programs
                    touch /usr/x /etc/alternatives/x 2>/dev/null && echo written
                    grep -c ' - ' /proc/self/mountinfo >/dev/null
                    awk '{ print $5 }' /proc/self/mountinfo | grep -vE '^/(usr|bin|sbin|lib|opt|nix|gnu|etc|proc|dev|tmp)'
                    [ "$(cat /etc/passwd | wc -l)" -le 3 ] || echo passwd; hostname; touch /tmp/x
                    """)
            // The root itself.
            #expect(
                outcome.output.split(separator: "\n").filter { $0 != "/" } == ["sandbox"],
                "\(outcome)")
            #expect(outcome.code == 0, "\(outcome)")
        }
    }

    /// A socket in the working directory is the host's: an overlay does not lead to it.
    @Test(arguments: Caller.allCases)
    func `a socket in the working directory does not answer`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(server) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let path = box.path("work/socket")
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: Array(path.utf8))
            }
            let isBound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(isBound == 0 && listen(server, 1) == 0)
            chmod(path, 0o777)
            let outcome = try box.sandbox(
                caller,
                shell: """
                    python3 -c "
                    import socket
                    s = socket.socket(socket.AF_UNIX)
                    try:
                        s.connect('socket')
                        print('connected')
                    except ConnectionRefusedError:
                        print('refused')
                    "
                    """)
            #expect(outcome.output == "refused\n", "\(outcome)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `volumes are read-only, written through, or copy-on-write`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            try box.write("work/shared/file", "shared\n")
            for name in ["work/shared", "work/shared/file"] {
                lchown(box.path(name), caller.id, caller.id)
            }
            let read = try box.sandbox(
                caller, ["-v", "shared:/data:ro"],
                shell: "cat /data/file; echo x > /data/file || echo refused")
            #expect(read.output == "shared\nrefused\n", "\(read)")
            let over = try box.sandbox(
                caller, ["-v", "shared:/data:O", "-v", ".:/again:O"],
                shell: "echo x > /data/file; cat /data/file shared/file /again/shared/file")
            #expect(over.output == "x\nshared\nshared\n", "\(over)")
            box.mayChange.insert("work/shared")
            let through = try box.sandbox(
                caller, ["--volume", box.path("work/shared") + ":/data"],
                shell: "echo mine > /data/mine; stat -c %u /data/mine")
            #expect(through.output == "\(caller.id)\n", "\(through)")
            #expect(box.read("work/shared/mine") == "mine\n")
            var status = stat()
            #expect(lstat(box.path("work/shared/mine"), &status) == 0)
            #expect(status.st_uid == caller.id)
        }
    }

    @Test(arguments: Caller.allCases)
    func `files, variables and the working directory are as asked for`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            try box.write("script", "echo ran\n", mode: 0o755)
            try box.write("variables", "# comment\n\nFROM_FILE=1=2\nFROM_CALLER\nMISSING\n")
            let outcome = try box.sandbox(
                caller,
                [
                    "--file", "input=-", "--file", "/deep/er/script=\(box.path("script"))",
                    "--env-file", box.path("variables"), "-e", "A=b c", "--env", "FROM_CALLER",
                    "--hostname", "judge", "-w", "folder", "--tmpfs", "/scratch:size=64k,mode=700",
                ],
                shell: """
                    cat input; /deep/er/script; echo "$A|$FROM_FILE|$FROM_CALLER|${MISSING-none}"
                    hostname; pwd; stat -c '%a %u' /scratch /deep/er/script
                    head -c 128k /dev/zero > /scratch/x 2>/dev/null || echo full
                    """, input: "typed\n", environment: ["FROM_CALLER=yes"])
            #expect(
                outcome.output == """
                    typed
                    ran
                    b c|1=2|yes|none
                    judge
                    \(box.work)/folder
                    700 \(caller == .root ? 0 : caller.id)
                    755 \(caller.id)
                    full

                    """, "\(outcome)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `another working directory hides the caller's`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller, ["-w", "/tmp"], shell: "pwd; ls -A; [ -e \(box.work) ] || echo hidden",
                in: "/")
            #expect(outcome.output == "/tmp\nhidden\n", "\(outcome)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `root of the sandbox is root of nothing else`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller, ["-u", "0", "--cap-drop", "chown", "--cap-add", "sys_nice"],
                shell: """
                    id -u; grep CapEff /proc/self/status; stat -c %u file; touch made; echo $HOME
                    mount -t tmpfs none /tmp 2>/dev/null && echo mounted
                    mknod x b 8 0 2>/dev/null && echo device
                    """)
            #expect(
                outcome.output
                    == "0\nCapEff:\t00000000808405fa\n0\n"
                    + (caller == .root ? "/root\n" : "/root\n"), "\(outcome)")
        }
    }

    @Test(arguments: [
        ("/", "is the root of the host"), ("/usr/bin", "is the system's"),
        ("/tmp", "is the system's"), ("HOME", "is the home directory"),
    ])
    func `directories of others are no working directory`(
        _ place: String, _ reason: String
    ) throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            let folder = place == "HOME" ? box.path("states") : place
            let outcome = try box.sandbox(.ordinary, shell: "echo ran", in: folder)
            #expect(outcome.code == 125 && outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.error.contains(reason), "\(outcome)")
            #expect(outcome.error.contains("-w /tmp"), "\(outcome)")
        }
    }

    @Test func `a command has to be named, and be there`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let none = try box.startSandbox(.root, [], []).finish()
            #expect(none.code == 125 && none.error.contains("name a command"), "\(none)")
            let missing = try box.startSandbox(.root, ["-q"], ["nowhere"]).finish()
            #expect(missing.code == 127, "\(missing)")
            let folder = try box.startSandbox(.root, ["-q"], ["/tmp"]).finish()
            #expect(folder.code == 126, "\(folder)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `words of the command are not options`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.startSandbox(caller, ["-q"], []).finish()
            #expect(outcome.code == 125, "\(outcome)")
            let echo = try Running(
                Host.runtime, ["sandbox", "-q", "echo", "-v", "--keep", "--"],
                environment: ["PATH=/usr/bin:/bin"], directory: box.work
            ).finish()
            #expect(echo.output == "-v --keep --\n", "\(echo)")
        }
    }

    /// There is one way to a start: the config.
    @Test(arguments: Caller.allCases)
    func `the config that is printed runs as the sandbox does`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let script = "id -u; pwd; cat file; echo x > file; ls /; exit 5"
            let printed = try box.startSandbox(
                caller, ["--print-config"], ["sh", "-c", script]
            ).finish()
            #expect(printed.code == 0, "\(printed)")
            let file = try box.write("work/config.json", printed.output)
            lchown(file, caller.id, caller.id)
            let direct = try box.sandbox(caller, shell: script)
            let line =
                caller == .ordinary
                ? try OrdinaryUser().command(box, box.path("vfs-run"), [file])
                : [Host.runtime, file]
            let outcome = try Running(
                caller == .root ? line[0] : try #require(Host.find(line[0])),
                Array(line.dropFirst()),
                environment: ["PATH=/usr/bin:/bin", "HOME=\(box.path("states"))"],
                directory: box.work
            ).finish()
            #expect(outcome.code == 5 && direct.code == 5, "\(outcome) \(direct)")
            #expect(outcome.output == direct.output)
        }
    }

    @Test(arguments: Caller.allCases)
    func `the plan is printed and not carried out`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.watchingFiles {
                try box.startSandbox(
                    caller, ["--plan", "--name", "plan-\(box.directory.suffix(6))"], ["true"]
                ).finish()
            }
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains("mount overlay on \(box.work)"), "\(outcome)")
            #expect(
                access(box.sandboxes(caller) + "/plan-\(box.directory.suffix(6))", F_OK) != 0)
        }
    }

    @Test func `limits become keys of the config`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            func config(_ options: [String]) throws -> Value {
                let printed = try box.startSandbox(
                    .root, ["--print-config"] + options, ["true"]
                ).finish()
                try #require(printed.code == 0, "\(printed)")
                return try Value(parsing: printed.output)
            }
            let asked = try config([
                "--timeout", "10s", "--cpu-time", "2s", "-m", "256m", "--pids-limit", "64",
                "--disk", "1g,100000", "--max-output", "1m", "--ulimit", "nofile=100:200",
                "--cpus", "1.5", "--cpuset-cpus", "0", "--memory-swap", "512m",
            ])
            let limits = asked["vfs"]["limits"]
            #expect(limits["wallTime"] == "10s" && limits["cpuTime"] == "2s", "\(limits)")
            #expect(limits["memory"] == "256m" && limits["pids"] == 64, "\(limits)")
            #expect(limits["disk"] == "1g" && limits["output"] == "1m", "\(limits)")
            #expect(limits["bestEffort"].array == nil, "\(limits)")
            #expect(asked["vfs"]["overlay"]["inodes"] == 100_000)
            let cpu = asked["linux"]["resources"]["cpu"]
            #expect(cpu["quota"] == 150_000 && cpu["period"] == 100_000 && cpu["cpus"] == "0")
            #expect(asked["linux"]["resources"]["memory"]["swap"] == 536_870_912)
            let files = asked["process"]["rlimits"].array?.first { $0["type"] == "RLIMIT_NOFILE" }
            #expect(files?["soft"] == 100 && files?["hard"] == 200)
            // Those that nobody has asked for may hold less well.
            let own = try config(["--pids-limit", "64"])["vfs"]["limits"]
            #expect(own["wallTime"] == "600s" && own["disk"] == "1g", "\(own)")
            #expect(own["bestEffort"].array?.contains("pids") == false, "\(own)")
            #expect(own["bestEffort"].array?.contains("wallTime") == true, "\(own)")
            let all = try config(["--pids-limit", "64", "--best-effort"])["vfs"]["limits"]
            #expect(all["bestEffort"].array?.contains("pids") == true, "\(all)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `the steps are timed and reported, and the command has a terminal where it asks for one`(
        _ caller: Caller
    ) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            box.mayChange.formUnion(["states", "states/trace", "states/report"])
            let outcome = try box.sandbox(
                caller,
                [
                    "--trace", box.path("states/trace"), "--report", box.path("states/report"),
                    "-t", "-i",
                ], shell: "[ -t 1 ] && echo terminal")
            #expect(outcome.output.hasPrefix("terminal"), "\(outcome)")
            #expect(box.read("states/trace").contains("mount overlay on"))
            #expect(try Value(parsing: box.read("states/report"))["status"] == "OK")
        }
    }
}
