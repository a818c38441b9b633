import Foundation
import Glibc
import Testing

/// The options of `vfs-run sandbox`: wrong values, and what they guard.
struct SandboxOptionTests {
    @Test(arguments: [
        (["-v", "nowhere:/data"], "-v \"nowhere:/data\": the source", "does not exist"),
        (["-v", "file:data:ro"], "-v \"file:data:ro\": ", "is not absolute"),
        (["-v", "file:/data:rx"], "-v \"file:/data:rx\": ", "\"rx\" is not an option"),
        (["-v", "file:/data:ro,O"], "-v \"file:/data:ro,O\": ", "exclude each other"),
        (["-v", "file:/data:O"], "-v \"file:/data:O\": ", "is not a directory"),
        (["-v", "file:/"], "-v \"file:/\": ", "use --base DIR"),
        (["-v", "file:/proc/x"], "-v \"file:/proc/x\": ", "nothing may be mounted on /proc"),
        (["-v", "folder:/dev"], "-v \"folder:/dev\": ", "has its own devices"),
        (["-v", "folder:/usr/x"], "-v \"folder:/usr/x\": ", "/usr is read-only"),
        (["-v", "file:/a", "-v", "folder:/a"], "-v \"file:/a\", -v \"folder:/a\": ", "remove one"),
        (["--tmpfs", "scratch"], "--tmpfs \"scratch\": ", "absolute path"),
        (["--tmpfs", "/scratch:bs=4"], "--tmpfs \"/scratch:bs=4\": ", "is not an option"),
        (["--tmpfs", "/scratch:size=big"], "--tmpfs \"/scratch:size=big\": ", "Bad value"),
        (["--tmpfs", "/scratch:size=0"], "--tmpfs \"/scratch:size=0\": ", "no limit"),
        (["--file", "x"], "--file: \"x\" ", "DESTINATION=SOURCE"),
        (["--file", "x=nowhere"], "--file \"x=nowhere\": ", "no such file"),
        (["--file", "x=folder"], "--file \"x=folder\": ", "no regular file"),
        (["--file", "a=-", "--file", "b=-"], "--file: ", "use - once"),
        (["--file", "/usr/bin/x=file"], "--file \"/usr/bin/x=file\": ", "read-only mount"),
        (["-w", "nowhere"], "-w \"nowhere\": ", "make it first"),
        (["-w", "/nowhere"], "-w \"/nowhere\": ", "make it first"),
        (["-w", "file"], "-w \"file\": ", "not a directory"),
        (["-w", ""], "-w: ", "is a variable unset"),
        (["-e", "=x"], "-e \"=x\": ", "NAME=VALUE"),
        (["--env-file", "nowhere"], "--env-file: ", "no such file"),
        (["--env-file", "folder"], "--env-file: ", "is not a regular file"),
        (["--env-file", "/dev/zero"], "--env-file: ", "is not a regular file"),
        (["-u", ""], "-u \"\": ", "is a variable unset"),
        (["-u", "nobody-knows"], "-u \"nobody-knows\": ", "neither in /etc/passwd"),
        (["-u", "0:x"], "-u \"0:x\": ", "the group \"x\" is neither in /etc/group"),
        (["--cap-add", "sys_adm"], "--cap-add: ", "did you mean \"CAP_SYS_ADMIN\""),
        (["--cpus", "none"], "--cpus: \"none\" ", "not a number of CPUs"),
        (["--cpuset-cpus", "1-0"], "--cpuset-cpus \"1-0\": ", "is not a list"),
        (["--cpuset-cpus", ""], "--cpuset-cpus: ", "is empty"),
        (["--memory-swap", "x"], "--memory-swap: \"x\" ", "is not a size"),
        (["--hostname", "a b"], "--hostname: \"a b\" ", "is not a host name"),
        (["--base", "nowhere"], "--base: \"nowhere\" ", "does not exist"),
        (["--base", "folder"], "--base: \"folder\" ", "neither a config.json nor"),
        (["--base", "file"], "--base: ", "unrecognized archive format"),
        (["--layer", "folder"], "--layer ", "a layer lies on one directory tree"),
        (["--layer", ""], "--layer: ", "is empty"),
        (["--name", "a/b"], "--name: \"a/b\" ", "is not a name of a sandbox"),
        (["--timeout", "soon"], "--timeout: \"soon\" ", "is not a duration"),
        (["-m", "much"], "--memory: \"much\" ", "is not a size"),
        (["--disk", "1k"], "--disk: ", "are less than the 1 MiB"),
        (["--pids-limit", "0"], "--pids-limit: \"0\" ", "is not a number of processes"),
        (["--ulimit", "nofile=9:8"], "--ulimit: \"nofile=9:8\" ", "above the hard one"),
        (
            ["--ulimit", "core=0", "--ulimit", "nofile=-1"], "--ulimit \"nofile=",
            "CAP_SYS_RESOURCE"
        ),
        (["--network", "bridge"], "--network: \"bridge\" ", "is not known"),
        (["--network", "proxy=unix:x"], "--network \"proxy=unix:x\": ", "start the proxy"),
        (["--stdin", "nowhere"], "--stdin: ", "no such file"),
        (["--stdout", "nowhere/x"], "--stdout: ", "no such file"),
        (["--trace", "nowhere/x"], "--trace: ", "no such file"),
        (["--report", "nowhere/x"], "--report: ", "no such file"),
        (["--collect", "x"], "--collect ", "needs --output-directory"),
        (
            ["--collect", "x", "--output-directory", "file"], "--output-directory: ",
            "not a directory"
        ),
        (
            ["--collect-limit", "x", "--collect", "x", "--output-directory", "o"],
            "--collect-limit: ",
            "is not of the form"
        ),
        (["--ask", "--apply"], "--ask and --apply ", "exclude each other"),
        (["--nonsense"], "unknown or ambiguous option", "nonsense"),
    ])
    func `a wrong value is an error that names the option`(
        _ options: [String], _ start: String, _ reason: String
    ) throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            let outcome = try box.sandbox(.ordinary, options, shell: "echo ran")
            #expect(outcome.code == 125 && outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.error.hasPrefix("vfs-run: " + start), "\(outcome)")
            #expect(outcome.error.contains(reason), "\(outcome)")
            #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome)")
        }
    }

    /// The files that a sandbox has in /etc are not written through a volume.
    @Test(arguments: Caller.allCases)
    func `a volume on a directory of the system keeps its files`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            try box.write("work/folder/passwd", "mine\n")
            lchown(box.path("work/folder/passwd"), caller.id, caller.id)
            for place in ["/etc", "/etc/ssl"] {
                let outcome = try box.sandbox(
                    caller, ["-v", "folder:" + place], shell: "ls \(place); cat \(place)/passwd")
                #expect(outcome.output == "inner\npasswd\nmine\n", "\(outcome)")
            }
            let covered = try box.sandbox(
                caller, ["-v", "file:/etc/passwd:ro", "--tmpfs", "/etc/ssl"],
                shell: "cat /etc/passwd; ls /etc/ssl; [ -e /etc/group ]")
            #expect(covered.output == "before\n" && covered.code == 0, "\(covered)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `a tmpfs without a size has that of the disk`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let script = "df -k --output=size /x | tail -n 1 | tr -d ' '"
            let own = try box.sandbox(caller, ["--tmpfs", "/x"], shell: script)
            #expect(own.output == "1048576\n", "\(own)")
            let small = try box.sandbox(caller, ["--tmpfs", "/x", "--disk", "4m"], shell: script)
            #expect(small.output.hasSuffix("4096\n"), "\(small)")
            let given = try box.sandbox(
                caller, ["--tmpfs", "/x:size=8m", "--disk", "4m"], shell: script)
            #expect(given.output.hasSuffix("8192\n"), "\(given)")
            let whole = try box.sandbox(
                caller, ["--base", "/", "--disk", "16m"],
                shell: "head -c 32m /dev/zero > /tmp/big; stat -c %s /tmp/big")
            #expect(Int(whole.output.dropLast()).map { $0 < 17 << 20 } == true, "\(whole)")
        }
    }

    /// The kernel takes no layer that lies inside another one.
    @Test func `a layer of the host's own tree lies on the whole host`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            try box.write("layer/usr/share/added", "added\n")
            try box.write("layer/added", "added\n")
            try #require(mknod(box.path("layer/boot"), S_IFCHR, 0) == 0)
            for place in [[], ["--name", "test-\(box.directory.suffix(6))"]] {
                let outcome = try box.sandbox(
                    .root, ["--base", "/", "--layer", box.path("layer")] + place,
                    shell: "cat /added /usr/share/added; ls -d /boot /usr/bin/env; echo x > /usr/y")
                #expect(outcome.output == "added\nadded\n/usr/bin/env\n", "\(outcome)")
                #expect(access("/usr/y", F_OK) != 0)
            }
            _ = try box.command("discard", "test-\(box.directory.suffix(6))")
        }
    }

    @Test func `a file of variables is not waited for`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            mkfifo(box.path("work/fifo"), 0o666)
            let outcome = try box.sandbox(.ordinary, ["--env-file", "fifo"], shell: "echo ran")
            #expect(outcome.code == 125 && outcome.error.contains("--env-file"), "\(outcome)")
            try box.write("work/large", String(repeating: "A=1\n", count: 300_000))
            let large = try box.sandbox(.ordinary, ["--env-file", "large"], shell: "echo ran")
            #expect(large.code == 125 && large.error.contains("1 MiB"), "\(large)")
        }
    }

    @Test func `a star stands for the caller's variables that begin so`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            let outcome = try box.sandbox(
                .ordinary, ["-e", "OWN_*"], shell: "env | grep OTHER; env | grep ^OWN_ | sort",
                environment: ["OWN_B=2", "OWN_A=1=x", "OTHER=3"])
            #expect(outcome.output == "OWN_A=1=x\nOWN_B=2\n", "\(outcome)")
        }
    }

    /// Podman, too, makes no working directory that the command line names.
    @Test(arguments: Caller.allCases)
    func `a working directory that other options make is there`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            for (options, place) in [
                (["--tmpfs", "/x"], "/x"), (["-v", "folder:/y"], "/y"),
                (["--file", "deep/er/x=file"], "deep/er"), ([], "folder"), ([], "/tmp"),
            ] {
                let outcome = try box.sandbox(caller, options + ["-w", place], shell: "pwd")
                let path = place.hasPrefix("/") ? place : box.work + "/" + place
                #expect(outcome.output == path + "\n", "\(outcome)")
            }
        }
    }

    @Test func `nobody is asked without a terminal, and nothing is run then`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            let outcome = try box.sandbox(.ordinary, ["--ask"], shell: "echo ran")
            #expect(outcome.code == 125 && outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.error.contains("--ask needs a terminal"), "\(outcome)")
            #expect(access(box.sandboxes(.ordinary), F_OK) != 0)
        }
    }

    /// A range that is printed is held for nobody: it is the one of configs that people write.
    @Test func `a printed config has the ids of written ones`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let printed = try box.startSandbox(.root, ["--print-config"], ["true"]).finish()
            let config = try Value(parsing: printed.output)
            #expect(config["linux"]["uidMappings"].array?[0]["hostID"] == 1_879_048_192)
        }
    }

    @Test func `kept sandboxes of root never share ids`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let names = (1...12).map { "ids-\(box.directory.suffix(6))-\($0)" }
            defer {
                for name in names {
                    try? FileManager.default.removeItem(
                        atPath: box.sandboxes(.root) + "/" + name)
                }
            }
            let runs = try names.map {
                try box.startSandbox(.root, ["-q", "--name", $0], ["touch", "x"])
            }
            for run in runs { #expect(try run.finish().code == 0) }
            let ids = try names.map { name in
                let record = try Value(
                    parsing: Host.read(box.sandboxes(.root) + "/" + name + "/sandbox.json"))
                return record["mappings"]["uidMappings"].array?[0]["hostID"].integer
            }
            #expect(Set(ids).count == names.count && !ids.contains(nil), "\(ids)")
        }
    }

    /// What a sandbox shows of /etc.
    @Test func `files are copied by their names, and what is none is left out`() throws {
        try Sandbox.use { box in
            try box.write("source/plain", "text\n", mode: 0o640)
            try box.write("source/script", "", mode: 0o755)
            try box.write("source/other", "")
            try box.makeDirectory("source/folder")
            try box.link("source/link", to: "plain")
            mkfifo(box.path("source/fifo"), 0o644)
            var config = box.config()
            let names = ["plain", "script", "folder", "link", "fifo", "missing"]
            config["vfs"]["files"] = [
                [
                    "path": "/made/here", "source": .string(box.path("source")),
                    "names": .array(names.map { Value.string($0) }),
                ]
            ]
            config["process"]["args"] = ["sh", "-c", "cd /made/here; stat -c '%n %a' *; cat plain"]
            let outcome = try box.run(config)
            #expect(outcome.output == "plain 640\nscript 755\ntext\n", "\(outcome)")
        }
    }

    @Test func `a working directory is made unless the config forbids it`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["cwd"] = "/made/here"
            config["process"]["args"] = ["pwd"]
            #expect(try box.run(config).output == "/made/here\n")
            config["vfs"]["makeCwd"] = false
            let outcome = try box.run(config)
            #expect(outcome.code == 125 && outcome.error.contains("make it first"), "\(outcome)")
        }
    }

    /// Of the system's files the program reads what everybody may.
    @Test func `root's own files of the system are closed to root's sandbox`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let outcome = try box.sandbox(
                .root,
                shell: """
                    id -u; find /etc /usr/bin /usr/sbin -xdev ! -type l ! -perm -o=r ! -type d -readable | head -n 1
                    stat -c %u /usr /usr/bin/env
                    """)
            #expect(outcome.output == "0\n65534\n65534\n", "\(outcome)")
        }
    }

    @Test func `a group has a name of the base`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let outcome = try box.sandbox(
                .root, ["--base", "/", "-u", "root:daemon"], shell: "id -u; id -g")
            #expect(outcome.output == "0\n1\n", "\(outcome)")
        }
    }
}
