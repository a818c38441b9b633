import CLinux
import Glibc
import Testing

/// `vfs-run diff`.
struct DiffTests {
    /// Runs a script on an upper that is kept, and says what `diff` prints, without what the
    /// runtime itself has made.
    private func changes(
        _ box: Sandbox, _ script: String, options: [String] = [], _ arguments: String...
    ) throws -> [String] {
        var config = box.config()
        config["vfs"]["overlay"]["layers"].append(.string(try box.makeDirectory("layer")))
        config["vfs"]["overlay"]["options"] = Value(options)
        config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD"])
        box.mayChange = ["state"]
        let run = try box.run(
            config, ["--upper", box.path("state")], arguments: ["sh", "-c", script])
        try #require(run.code == 0, "\(run)")
        let outcome = try box.runCommand(["diff"] + arguments + [box.path("state")])
        try #require(outcome.code == 0, "\(outcome)")
        return outcome.output.split(separator: "\n").map(String.init).filter {
            !["A /dev/", "A /proc/", "A /sys/"].contains($0)
        }
    }

    @Test func `one line a change, directories before what is in them`() throws {
        try Sandbox.use { box in
            try box.write("layer/d/text", "1\n")
            try box.write("layer/d/gone", "1\n")
            try box.write("layer/d/kind", "1\n")
            try box.write("layer/gone/file", "1\n")
            let found = try changes(
                box,
                """
                cd /d; echo 2 > text; rm gone kind; mkdir kind; echo > kind/new; rm -r /gone
                ln -s x link; mknod null c 1 3; mkfifo pipe; ln text other
                """)
            #expect(
                found == [
                    "D /d/gone", "T /d/kind/  file -> directory", "A /d/kind/new", "A /d/link",
                    "A /d/null", "A /d/other", "A /d/pipe",
                    "M /d/text  content, same file as /d/other",
                    "D /gone/",
                ])
        }
    }

    @Test func `mode, owner, attributes and times are told apart from content`() throws {
        try Sandbox.use { box in
            for name in ["mode", "owner", "touched", "back", "same", "hidden"] {
                try box.write("layer/\(name)", "12\n")
            }
            try box.link("layer/link", to: "there")
            let script = """
                chmod 600 /mode; chown 1:2 /owner; touch /touched; chmod 600 /back; chmod 644 /back
                echo 12 > /same; ln -sf elsewhere /link
                touch -r /hidden /time; echo 21 > /hidden; touch -r /time /hidden; rm /time
                """
            let found = try changes(box, script)
            #expect(
                found == [
                    "M /hidden", "M /link  link target", "M /mode  mode 644 -> 600",
                    "M /owner  owner 0:0 -> 1:2",
                ])
            let all = try box.succeed("diff", "--all", box.path("state")).output
            #expect(all.contains("= /back  copied up\n"), "\(all)")
            #expect(
                all.contains("= /same  times\n") && all.contains("= /touched  times\n"), "\(all)")
            let json = try Value(
                parsing: try box.succeed("diff", "--json", box.path("state")).output)
            let mode = json.array?.first { $0["path"] == "/mode" } ?? .null
            #expect(mode["change"] == "modified" && mode["changed"] == ["mode"], "\(mode)")
            #expect(mode["before"]["mode"] == "644" && mode["after"]["mode"] == "600")
        }
    }

    @Test func `--content prints what changed line by line, --stat how much`() throws {
        try Sandbox.use { box in
            try box.write("layer/text", "1\n2\n")
            try box.write("layer/gone", "1\n")
            _ = try changes(
                box, "printf '1\\n3\\n' > /text; rm /gone; printf 'a\\0b' > /binary; mkdir /d")
            let content = try box.succeed("diff", "--content", box.path("state")).output
            #expect(
                content.contains(
                    "M /text\n--- a/text\n+++ b/text\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"), "\(content)")
            #expect(content.contains("A /binary\nbinary files differ\n"), "\(content)")
            #expect(
                content.contains("D /gone\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"),
                "\(content)")
            let sum = try box.succeed("diff", "--stat", box.path("state")).output
            #expect(sum.contains("A /binary  +3 bytes\n"), "\(sum)")
            #expect(sum.hasSuffix("1 modified, 1 deleted, +1 bytes\n"), "\(sum)")
        }
    }

    @Test func `a directory that was made anew is emptied first`() throws {
        try Sandbox.use { box in
            try box.write("layer/d/one", "1")
            try box.write("layer/d/two", "2")
            let found = try changes(box, "rm -r /d; mkdir /d; printf 1 > /d/one; echo > /d/new")
            // What is there again is listed too: nothing else is left.
            #expect(found == ["M /d/  emptied first", "A /d/new", "A /d/one"])
        }
    }

    @Test func `a directory that was moved is one line`() throws {
        try Sandbox.use { box in
            for number in 0..<20 { try box.write("layer/d/sub/\(number)", "1") }
            let found = try changes(
                box, "mv /d /e; mv /e/sub /e/sub2; echo 2 > /e/sub2/3; rm /e/sub2/4",
                options: ["redirect_dir=on"])
            #expect(
                found == [
                    "D /d/", "R /e/  was /d/", "D /e/sub/", "R /e/sub2/  was /d/sub/",
                    "M /e/sub2/3", "D /e/sub2/4",
                ])
        }
    }

    @Test func `a file without its data has the content of the layer`() throws {
        try Sandbox.use { box in
            try box.write("layer/file", "1")
            try box.write("layer/moved", "1")
            let found = try changes(
                box, "chmod 600 /file; chmod 600 /moved; mv /moved /there",
                options: ["metacopy=on", "redirect_dir=on"])
            #expect(
                found == ["M /file  mode 644 -> 600", "D /moved", "R /there  was /moved"])
        }
    }

    @Test func `layers of the command line, and an upper without a record`() throws {
        try Sandbox.use { box in
            try box.write("layer/file", "1")
            _ = try changes(box, "echo 2 > /file")
            let alone = try box.command("diff", box.path("state/upper"))
            #expect(alone.code == 1)
            #expect(alone.error.contains("name them with --layer"), "\(alone)")
            let given = try box.succeed(
                "diff", "--layer", box.path("layer"), box.path("state/upper"))
            #expect(given.output.contains("M /file\n"), "\(given)")
        }
    }

    @Test func `whiteouts and opaque directories of every form`() throws {
        try Sandbox.use { box in
            try box.write("low/a", "1")
            try box.write("low/d/b", "1")
            try box.write("low/o/c", "1")
            for (prefix, option) in [("trusted", []), ("user", ["--userxattr"])] {
                let upper = try box.makeDirectory("upper-\(prefix)")
                try box.write("upper-\(prefix)/a", "")
                try box.write("upper-\(prefix)/d/b", "")
                try box.makeDirectory("upper-\(prefix)/o")
                try set("\(prefix).overlay.whiteout", "", upper + "/a")
                try set("\(prefix).overlay.whiteout", "", upper + "/d/b")
                try set("\(prefix).overlay.opaque", "x", upper)
                try set("\(prefix).overlay.opaque", "x", upper + "/d")
                try set("\(prefix).overlay.opaque", "y", upper + "/o")
                // Of the other prefix: an attribute like any other, and no note.
                let other = prefix == "user" ? "trusted" : "user"
                try box.makeDirectory("upper-\(prefix)/plain")
                try box.write("low/plain/kept", "1")
                try set("\(other).overlay.opaque", "y", upper + "/plain")
                let outcome = try box.runCommand(
                    ["diff"] + option + ["--layer", box.path("low"), upper])
                #expect(
                    outcome.output == """
                        D /a
                        D /d/b
                        M /o/  emptied first
                        M /plain/  xattr \(other).overlay.opaque

                        """, "\(outcome)")
            }
        }
    }

    @Test func `an upper in use is read with a warning`() throws {
        try Sandbox.use { box in
            let first = try box.start(
                box.config(), ["--upper", box.path("state")], arguments: ["/probe", "--wait"],
                input: .open)
            _ = try first.readLine()
            let outcome = try box.command("diff", box.path("state"))
            #expect(outcome.code == 0)
            #expect(outcome.error.contains("in use by a run"), "\(outcome)")
            first.send(SIGTERM)
            _ = try first.finish()
        }
    }

    @Test func `a container with an upper of its own is named by its id`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["upper"] = "../state"
            try box.create(nil, config, arguments: ["sh", "-c", "echo > /new; exec /probe --wait"])
            try box.withContainer(box.id()) {
                #expect(try box.succeed("diff", box.id()).error.contains("in use by a run"))
                try box.succeed("start", box.id())
                let refused = try box.command("commit", box.id(), "-o", box.path("x.tar"))
                #expect(refused.code == 1, "\(refused)")
            }
            #expect(try box.command("diff", "nobody").error.contains("neither a kept sandbox"))
        }
    }

    /// Nobody has its upper: the tree that the kernel shows is compared with the layers.
    @Test func `a container that throws away what it writes is looked at while it runs`() throws {
        try Sandbox.use { box in
            try box.write("layer/d/kept", "1\n")
            try box.write("layer/d/text", "1\n")
            try box.write("layer/d/touched", "1\n")
            try box.write("layer/gone/file", "1\n")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
            config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD"])
            try box.createAndStart(config)
            try box.withContainer(box.id()) {
                try box.succeed(
                    "exec", box.id(), "sh", "-c",
                    """
                    cd /d; echo 2 > text; touch -r kept x; touch -r touched y
                    echo 1 > touched; touch -r y touched; rm -r y /gone
                    mkdir -p new/in; echo 3 > new/in/file; mkfifo pipe; ln -s /etc link
                    """)
                let outcome = try box.succeed("diff", box.id())
                #expect(outcome.error.contains("is running: its files can change"), "\(outcome)")
                let found = outcome.output.split(separator: "\n").map(String.init).filter {
                    !["A /dev/", "A /proc/", "A /sys/", "A /probe"].contains($0)
                }
                #expect(
                    found == [
                        "A /d/link", "A /d/new/", "A /d/new/in/", "A /d/new/in/file",
                        "A /d/pipe", "M /d/text", "A /d/x", "D /gone/",
                    ])
                try box.succeed("commit", box.id(), "-o", box.path("c.tar"))
                try box.succeed("export", box.id(), "-o", box.path("e.tar"))
                try box.succeed("commit", box.id(), "-o", box.path("c/"))
            }
            let tar = try #require(Host.find("tar"))
            func names(_ archive: String) throws -> [String] {
                try Running(tar, ["-tf", box.path(archive)]).finish().output
                    .split(separator: "\n").map(String.init)
            }
            let layer = try names("c.tar")
            #expect(layer.contains(".wh.gone") && layer.contains("d/new/in/file"), "\(layer)")
            #expect(!layer.contains("d/kept") && !layer.contains("bin/"), "\(layer)")
            let whole = try names("e.tar")
            #expect(whole.contains("d/kept") && whole.contains("d/x"), "\(whole)")
            #expect(!whole.contains("gone/"), "\(whole)")
            #expect(box.read("c/d/new/in/file") == "3\n")
            var status = stat()
            #expect(lstat(box.path("c/gone"), &status) == 0 && status.st_mode == S_IFCHR)

            try box.create(nil, arguments: ["true"])
            try box.withContainer(box.id()) {
                #expect(try box.command("diff", box.id()).code == 0)
                try box.killInit()
                let ended = try box.command("diff", box.id())
                #expect(
                    ended.code == 1 && ended.error.contains("what it wrote has gone with it"),
                    "\(ended)")
            }
            config = box.config()
            config["vfs"] = ["overlay": false]
            try box.create(nil, config, arguments: ["true"])
            try box.withContainer(box.id()) {
                let plain = try box.command("diff", box.id())
                #expect(plain.code == 1 && plain.error.contains("has no overlay"), "\(plain)")
            }
        }
    }

    @Test func `a container that was left to itself keeps its upper`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["upper"] = .string(box.path("state"))
            box.mayChange = ["state"]
            try box.createAndStart(config)
            try box.withContainer(box.id()) {
                let second = try box.run(box.config(), ["--upper", box.path("state")])
                #expect(
                    second.code == 125 && second.error.contains("in use by another run"),
                    "\(second)")
                let third = try box.command("undo", box.path("state"))
                #expect(third.code == 1, "\(third)")
                let diff = try box.command("diff", box.path("state"))
                #expect(diff.error.contains("in use by a run"), "\(diff)")
                let commit = try box.command("commit", box.path("state"), "-o", box.path("x.tar"))
                #expect(commit.code == 1 && commit.error.contains("in use by a run"), "\(commit)")
            }
            let after = try box.run(box.config(), ["--upper", box.path("state")])
            #expect(after.code == 0, "\(after)")
        }
    }

    /// What a program has made of its upper: nothing outside of it is looked at, and every name is
    /// printed so that it means nothing to a terminal.
    @Test func `a hostile upper is described and followed nowhere`() throws {
        try Sandbox.use { box in
            try box.write("low/etc/passwd", "1")
            let upper = try box.makeDirectory("upper")
            try box.link("upper/etc", to: box.canary)
            try box.write("upper/a\nb\u{1b}[31m", "")
            let sparse = open(upper + "/huge", O_CREAT | O_WRONLY, 0o644)
            #expect(ftruncate(sparse, 1 << 40) == 0)
            close(sparse)
            #expect(mkfifo(upper + "/fifo", 0o644) == 0)
            try box.makeDirectory("upper/out")
            try set("trusted.overlay.redirect", "/../../etc", upper + "/out")
            let outcome = try box.command("diff", "--layer", box.path("low"), upper)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("lookup \"/out\""), "\(outcome)")
            try set("trusted.overlay.redirect", "/etc", upper + "/out")
            let second = try box.command("diff", "--layer", box.path("low"), upper)
            #expect(second.code == 0, "\(second)")
            #expect(second.output.contains("A \"/a\\nb\\033[31m\"\n"), "\(second)")
            #expect(second.output.contains("T /etc  directory -> symlink\n"), "\(second)")
            #expect(second.output.contains("A /huge\n") && second.output.contains("A /fifo\n"))
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
