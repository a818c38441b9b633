import Foundation
import Glibc
import Testing

/// Sandboxes whose changes are kept, other bases, and mounts below what is shown.
struct SandboxKeepTests {
    private func keeping<Result>(
        _ caller: Caller, _ body: (Sandbox, String) throws -> Result
    ) throws -> Result {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            box.mayChange.insert("states")
            let name = "test-\(box.directory.suffix(6))"
            defer {
                try? FileManager.default.removeItem(atPath: box.sandboxes(caller) + "/" + name)
            }
            return try body(box, name)
        }
    }

    @Test(arguments: Caller.allCases)
    func `what is written under a name is there in the next run`(_ caller: Caller) throws {
        try keeping(caller) { box, name in
            let first = try box.sandbox(
                caller, ["--name", name], shell: "echo kept > kept; rm file; mkdir new; exit 3")
            #expect(first.code == 3, "\(first)")
            let second = try box.sandbox(
                caller, ["--name", name], shell: "cat kept; ls -d *; stat -c %u kept")
            #expect(second.output == "kept\nfolder\nkept\nnew\n\(caller.id)\n", "\(second)")
            let other = try box.sandbox(caller, shell: "ls -d *")
            #expect(other.output == "file\nfolder\n", "\(other)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `the record names the tree, its upper and the time of its file system`(
        _ caller: Caller
    ) throws {
        try keeping(caller) { box, name in
            let begin = time(nil)
            _ = try box.sandbox(
                caller, ["--name", name, "-v", "folder:/data:O"], shell: "echo kept > /data/kept")
            let folder = box.sandboxes(caller) + "/" + name
            let record = try Value(parsing: Host.read(folder + "/sandbox.json"))
            #expect(record["schema"] == 1)
            #expect(record["name"].string == name)
            #expect(
                record["trees"].array?.map { $0["path"].string } == [
                    box.work, box.work + "/folder",
                ])
            #expect(record["trees"].array?.map { $0["destination"].string } == [nil, "/data"])
            for tree in record["trees"].array ?? [] {
                let seconds = tree["begun"]["seconds"].integer ?? 0
                #expect((begin - 1...begin + 60).contains(Int(seconds)))
            }
            #expect(Host.read(folder + "/tree-1/upper/kept") == "kept\n")
            var status = stat()
            #expect(lstat(folder, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700 && status.st_uid == caller.id)
            // Of root the sandbox keeps its range of ids.
            #expect((record["mappings"].object != nil) == (caller == .root))
        }
    }

    @Test func `a sandbox runs one command at a time`() throws {
        try keeping(.ordinary) { box, name in
            let running = try box.startSandbox(
                .ordinary, ["-q", "--name", name], ["sh", "-c", "echo up; read line"],
                input: .open)
            #expect(try running.readLine() == "up")
            let second = try box.sandbox(.ordinary, ["--name", name], shell: "echo ran")
            #expect(second.code == 125 && second.error.contains("in use"), "\(second)")
            running.closeInput()
            _ = try running.finish()
        }
    }

    @Test func `a start that fails leaves no new sandbox`() throws {
        try keeping(.ordinary) { box, name in
            let outcome = try box.sandbox(
                .ordinary, ["--name", name, "--file", "/usr/x=file"], shell: "true")
            #expect(outcome.code == 125, "\(outcome)")
            #expect(access(box.sandboxes(.ordinary) + "/" + name, F_OK) != 0)
        }
    }

    /// The mount is in a mount namespace of the test's own.
    @Test(arguments: Caller.allCases)
    func `a mount in the working directory is shown, copy-on-write`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            try box.makeDirectory("work/folder/mounted")
            let drop =
                caller == .root
                ? ""
                : "setpriv --reuid=\(caller.id) --regid=\(caller.id) --clear-groups "
            let script = """
                mount -t tmpfs none folder/mounted && echo below > folder/mounted/file &&
                chown -R \(caller.id) folder &&
                \(drop)\(caller == .root ? Host.runtime : box.path("vfs-run")) sandbox -q -- sh -c '
                    cat folder/mounted/file folder/inner; echo x > folder/mounted/file
                    echo y > folder/mounted/new; cat folder/mounted/file; ls folder' &&
                ls folder/mounted && cat folder/mounted/file
                """
            let outcome = try Running(
                "/usr/bin/unshare", ["--mount", "sh", "-c", script],
                environment: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/nonexistent"],
                directory: box.work
            ).finish()
            // An ordinary user's kernel takes no layer with a mount below it: plain files beside it
            // are left out, and a warning names them.
            let shown =
                caller == .root
                ? "below\ninner\nx\ninner\nmounted\nfile\nbelow\n"
                : "below\nx\nmounted\nfile\nbelow\n"
            #expect(outcome.output == shown, "\(outcome)")
            if caller == .ordinary {
                #expect(outcome.error.contains("folder/inner\""), "\(outcome)")
            }
        }
    }

    @Test(arguments: Caller.allCases)
    func `another root file system is shown copy-on-write`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller, ["--base", box.path("rootfs")],
                shell: "ls /; cat file; echo x > /bin/new; echo y > /etc/new; ls /usr /etc 2>&1")
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.output.hasPrefix("bin\ndev\netc\nprobe\nproc\nsys\ntmp\nbefore\n"))
        }
    }

    @Test(arguments: Caller.allCases)
    func `the whole system is shown copy-on-write`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            let outcome = try box.sandbox(
                caller, ["--base", "/", "-u", "0"],
                shell: """
                    cmp -s /etc/passwd /etc/passwd && [ -d /var/lib ] && [ -d /run ] && echo shown
                    cat file; echo x > file; ls -A /tmp /sys | grep -v vfs-run-test
                    \(caller == .root ? "rm -r /usr/share/doc && touch /etc/written && echo removed" : "")
                    """)
            #expect(outcome.output.contains("shown\nbefore\n"), "\(outcome)")
            if caller == .root { #expect(outcome.output.contains("removed\n"), "\(outcome)") }
            #expect(access("/usr/share/doc", F_OK) == 0 && access("/etc/written", F_OK) != 0)
        }
    }

    @Test(arguments: Caller.allCases)
    func `an archive is a base`(_ caller: Caller) throws {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            box.mayChange.insert("states")
            let packed = try Running(
                "/usr/bin/env",
                ["tar", "-cf", box.path("base.tar"), "-C", box.path("rootfs"), "."],
                environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            try #require(packed.code == 0, "\(packed)")
            defer {
                if caller == .root { removeBases(of: box) }
            }
            for _ in 0..<2 {
                let outcome = try box.sandbox(
                    caller, ["--base", box.path("base.tar")], shell: "ls /; echo x > /new; cat file"
                )
                #expect(
                    outcome.output == "bin\ndev\netc\nprobe\nproc\nsys\ntmp\nbefore\n",
                    "\(outcome)")
            }
        }
    }

    /// What root has unpacked to the machine's cache.
    private func removeBases(of box: Sandbox) {
        var status = stat()
        guard stat(box.path("base.tar"), &status) == 0 else { return }
        let folder = "/var/cache/vfs-run/bases"
        for name in TreeSnapshot.names(in: folder)
        where name.hasPrefix("\(status.st_dev)-\(status.st_ino)-") && !name.contains("/") {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    @Test func `a layer lies on a base that is one tree`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.ordinary)
            try box.write("layer/extra", "extra\n")
            let over = try box.sandbox(
                .ordinary, ["--base", box.path("rootfs"), "--layer", box.path("layer")],
                shell: "cat /extra")
            #expect(over.output == "extra\n", "\(over)")
            let host = try box.sandbox(
                .ordinary, ["--layer", box.path("layer")], shell: "cat /extra")
            #expect(host.code == 125 && host.error.contains("use --base DIR"), "\(host)")
        }
    }

    @Test func `a wait before a step needs a terminal`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let outcome = try box.sandbox(.root, ["--stop-at", "pivot_root"], shell: "echo ran")
            #expect(outcome.code == 125 && outcome.output.isEmpty, "\(outcome)")
        }
    }
}
