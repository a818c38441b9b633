import CLinux
import Glibc
import Testing

/// `vfs-run commit` and `export`.
struct CommitTests {
    // MARK: A tree of everything

    /// Files of every kind and with every odd name. Nothing in it is what overlayfs writes.
    private func makeTree(_ box: Sandbox, _ name: String, deep: Bool) throws {
        let root = try box.makeDirectory(name)
        let directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        for name in [
            "plain", "a b", "new\nline", "tab\t", "ü", "\u{1b}[31m", "a=b", "%41", "-rf",
            String(repeating: "n", count: 255),
        ] { try box.write("\(root)/\(name)", "in \(name)") }
        let odd: [CChar] = [0x61, -1, -2, 0]
        close(openat(directory, odd, O_CREAT | O_WRONLY, 0o644))
        try box.write("\(root)/setuid", "1", mode: 0o6755)
        try box.makeDirectory("\(root)/sticky", mode: 0o1777)
        try box.write("\(root)/sticky/first", "linked")
        #expect(link("\(root)/sticky/first", "\(root)/zzz") == 0)
        #expect(link("\(root)/sticky/first", "\(root)/" + String(repeating: "l", count: 200)) == 0)
        try box.link("\(root)/link", to: "/etc/passwd")
        try box.link("\(root)/long-link", to: String(repeating: "t/", count: 300))
        #expect(mknod("\(root)/null", S_IFCHR | 0o666, 0x103) == 0)
        #expect(mknod("\(root)/disk", S_IFBLK | 0o600, 0x0800) == 0)
        #expect(mkfifo("\(root)/fifo", 0o600) == 0)
        let sparse = open("\(root)/sparse", O_CREAT | O_WRONLY, 0o644)
        #expect(ftruncate(sparse, 9 << 20) == 0)
        #expect(pwrite(sparse, "data", 4, 4 << 20) == 4)
        close(sparse)
        let file = open("\(root)/plain", O_RDONLY)
        let value: [UInt8] = [0, 1, 0xff, 0x0a, 0x3d]
        #expect(clinux_fsetxattr(file, "user.binary", value, value.count) == 0)
        #expect(clinux_fsetxattr(file, "trusted.of-host", "x", 1) == 0)
        close(file)
        try box.write("\(root)/owned", "1")
        #expect(chown("\(root)/owned", 3_000_000, 2_097_152) == 0)
        for (name, time) in [
            ("owned", timespec(tv_sec: 1, tv_nsec: 1)),
            ("a b", timespec(tv_sec: -100, tv_nsec: 250_000_000)),
            ("ü", timespec(tv_sec: 9_000_000_000, tv_nsec: 0)),
        ] {
            let times = [time, time]
            #expect(utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) == 0)
        }
        var path = "\(root)/deep"
        try box.makeDirectory(path)
        var parent = open(path, O_RDONLY | O_DIRECTORY)
        for _ in 0..<(deep ? 30 : 10) {
            let name = String(repeating: "d", count: 200)
            #expect(mkdirat(parent, name, 0o755) == 0)
            let child = openat(parent, name, O_RDONLY | O_DIRECTORY)
            close(parent)
            parent = child
        }
        close(openat(parent, "bottom", O_CREAT | O_WRONLY, 0o644))
        close(parent)
        path = ""
    }

    @Test func `an archive holds every kind of file and every name, as GNU tar reads it`() throws {
        try Sandbox.use { box in
            try makeTree(box, "upper", deep: false)
            try box.succeed("commit", "-q", box.path("upper"), "-o", box.path("layer.tar"))
            let out = try box.makeDirectory("out")
            let tar = try Running(
                "/usr/bin/tar",
                [
                    "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf",
                    box.path("layer.tar"), "-C", out,
                ]
            ).finish()
            #expect(tar.code == 0, "\(tar.error.prefix(2000))")
            let differences = TreeRecord(box.path("upper")).differences(to: TreeRecord(out))
            #expect(differences == [])
        }
    }

    @Test func `a directory is the same layer, however long its paths are`() throws {
        try Sandbox.use { box in
            try makeTree(box, "upper", deep: true)
            mkfifo(box.path("upper/gone"), 0o644)
            unlink(box.path("upper/gone"))
            #expect(mknod(box.path("upper/gone"), S_IFCHR, 0) == 0)
            try box.makeDirectory("upper/opaque")
            try set("trusted.overlay.opaque", "y", box.path("upper/opaque"))
            try box.succeed("commit", "-q", box.path("upper"), "-o", box.path("out") + "/")
            var differences = TreeRecord(box.path("upper")).differences(
                to: TreeRecord(box.path("out")))
            // A whiteout has no time.
            differences.removeAll { $0.hasPrefix("gone: 20000 ") }
            #expect(differences == [])
            // The deep one is in an archive too.
            try box.succeed("commit", "-q", box.path("upper"), "-o", box.path("layer.tar"))
            let list = try Running("/usr/bin/tar", ["-tf", box.path("layer.tar")]).finish()
            #expect(list.output.split(separator: "\n").contains { $0.utf8.count > 6000 })
            #expect(list.output.contains("\n.wh.gone\n"))
            #expect(list.output.contains("\nopaque/\nopaque/.wh..wh..opq\n"))
        }
    }

    @Test(arguments: ["tar", "tar.gz", "tar.zst"])
    func `the same files give the same bytes`(_ suffix: String) throws {
        try Sandbox.use { box in
            try makeTree(box, "upper", deep: false)
            let first = box.path("one.\(suffix)")
            let second = box.path("two.\(suffix)")
            let said = try box.succeed("commit", box.path("upper"), "-o", first, "--json")
            _ = Host.read(box.path("upper/plain"))
            try box.succeed("commit", "-q", box.path("upper"), "-o", second)
            #expect(Host.bytes(first) == Host.bytes(second))
            let sum = try Running("/usr/bin/sha256sum", [first]).finish().output.prefix(64)
            let json = try Value(parsing: said.output)
            #expect(json["digest"] == .string("sha256:\(sum)"))
            let piped = try box.succeed(
                "commit", "-q", box.path("upper"), "-o", "-", "--compression",
                suffix == "tar" ? "none" : suffix == "tar.gz" ? "gzip" : "zstd")
            #expect(piped.outputBytes == Host.bytes(first))
            let unpacked = try Running(
                "/bin/sh",
                [
                    "-c", suffix == "tar.gz" ? "gzip -dc \"$0\" | sha256sum" : "sha256sum \"$0\"",
                    first,
                ]
            ).finish().output.prefix(64)
            if suffix != "tar.zst" { #expect(json["diffID"] == .string("sha256:\(unpacked)")) }
            // No time is later than that of --mtime.
            try box.succeed(
                "commit", "-q", box.path("upper"), "-o", second, "--mtime", "1000")
            let list = try Running(
                "/bin/sh", ["-c", "tar --full-time --utc -tvf \"$0\" | grep -v ' 19[67]'", second]
            ).finish()
            #expect(list.output == "")
        }
    }

    // MARK: On top of its layers

    private static let list = """
        cd /data && find . | sort | while read -r f; do stat -c '%n|%F|%a|%u|%g|%s|%Y' "$f"; done; \
        find . -type f -exec md5sum {} + | sort
        """

    /// What a container finds in /data, with these layers on top of the base.
    private func look(_ box: Sandbox, _ layers: [String], _ options: [String] = []) throws -> String
    {
        var config = box.config()
        config["vfs"]["overlay"]["layers"] = Value([Host.base, box.probeLayer] + layers)
        let outcome = try box.run(config, options, arguments: ["sh", "-c", Self.list])
        #expect(outcome.code == 0, "\(outcome)")
        return outcome.output
    }

    @Test(arguments: [[], ["redirect_dir=on", "metacopy=on"], ["userxattr"]])
    func `a run on the layer finds what a run on the upper does`(_ options: [String]) throws {
        try Sandbox.use { box in
            for number in 0..<10 { try box.write("low/data/d/sub/\(number)", "\(number)") }
            for name in ["gone", "mode", "opaque/was", "kind"] {
                try box.write("low/data/\(name)", name)
            }
            var config = box.config()
            config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD"])
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.probeLayer, box.path("low"),
            ])
            config["vfs"]["overlay"]["options"] = Value(options)
            box.mayChange = ["state"]
            let state = ["--upper", box.path("state")]
            let script = """
                cd /data; mv d moved; mv moved/sub moved/other; rm moved/other/3; echo x > moved/other/4
                mkdir d; echo new > d/file; rm gone; chmod 4711 mode; mv mode mode2; rm -r opaque
                mkdir opaque; echo > opaque/is; rm kind; mkdir kind; ln d/file hard
                """
            let run = try box.run(config, state, arguments: ["sh", "-ec", script])
            try #require(run.code == 0, "\(run)")
            let expected = try box.run(config, state, arguments: ["sh", "-c", Self.list]).output
            try box.succeed("commit", "-q", box.path("state"), "-o", box.path("layer") + "/")
            if options != ["userxattr"] {
                #expect(try look(box, [box.path("low"), box.path("layer")]) == expected)
            }
            // The whole tree as one archive.
            try box.succeed("export", "-q", box.path("state"), "-o", box.path("all.tar"))
            let whole = try box.makeDirectory("whole")
            let tar = try Running("/usr/bin/tar", ["-xpf", box.path("all.tar"), "-C", whole])
                .finish()
            #expect(tar.code == 0, "\(tar)")
            var plain = Config.minimal(root: whole)
            plain["process"]["args"] = Value(["sh", "-c", Self.list])
            #expect(try box.run(plain).output == expected)
            // Nothing of overlayfs's is in the layer but deletions and what hides them.
            for (path, entry) in TreeRecord(box.path("layer")).entries {
                let marks = entry.attributes.keys.filter { $0.contains(".overlay.") }
                #expect(
                    marks.allSatisfy { mark in
                        [".opaque", ".whiteout", ".origin"].contains(where: mark.hasSuffix)
                    },
                    "\(path) \(marks)")
            }
        }
    }

    // MARK: What is refused

    @Test func `an upper in use is refused`() throws {
        try Sandbox.use { box in
            let first = try box.start(
                box.config(), ["--upper", box.path("state")], arguments: ["/probe", "--wait"],
                input: .open)
            _ = try first.readLine()
            let outcome = try box.command("commit", box.path("state"), "-o", box.path("x.tar"))
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("in use by a run"), "\(outcome)")
            #expect(!box.exists("x.tar"))
            first.send(SIGTERM)
            _ = try first.finish()
        }
    }

    @Test func `a name that would be a deletion is refused, and nothing is left`() throws {
        try Sandbox.use { box in
            try box.write("upper/a/.wh.passwd", "")
            for place in ["x.tar", "x.tar.gz"] {
                let outcome = try box.command("commit", box.path("upper"), "-o", box.path(place))
                #expect(outcome.code == 1)
                #expect(outcome.error.contains("\"/a/.wh.passwd\" cannot be in an OCI layer"))
            }
            try box.succeed("commit", box.path("upper"), "-o", box.path("x") + "/")
            #expect(box.exists("x/a/.wh.passwd"))
            let left = TreeSnapshot.names(in: box.directory).filter { $0.hasPrefix(".") }
            #expect(left == [])
        }
    }

    @Test func `places are told apart by their names`() throws {
        try Sandbox.use { box in
            try box.write("upper/file", "1")
            try box.write("there/file", "1")
            for (arguments, words) in [
                (["-o", box.path("x")], "has an unknown suffix"),
                ([], "--output is missing"),
                (["-o", box.path("there") + "/"], "exists; remove it"),
                (["-o", box.path("missing/x.tar")], "no such file"),
                (["-o", box.path("x.tar"), "--compression", "lzma"], "none, gzip or zstd"),
                (["-o", box.path("x.tar"), "--mtime", "now"], "not a number of seconds"),
            ] {
                let outcome = try box.runCommand(["commit", box.path("upper")] + arguments)
                #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            }
        }
    }

    @Test func `what leans on a layer that is not known is refused`() throws {
        try Sandbox.use { box in
            try box.write("upper/meta", "")
            try set("trusted.overlay.metacopy", "", box.path("upper/meta"))
            let outcome = try box.command("commit", box.path("upper"), "-o", box.path("x.tar"))
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("in a layer below; name the layers with --layer"))
        }
    }

    private func set(_ name: String, _ value: String, _ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        guard clinux_fsetxattr(file, name, value, value.utf8.count) == 0 else {
            throw Failure("setxattr \(name) \(path): \(String(cString: strerror(errno)))")
        }
    }
}
