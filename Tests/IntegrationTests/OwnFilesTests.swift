import CLinux
import Glibc
import Testing

/// What containers and images have written is nobody else's business, and what others have written
/// is not trusted.
@Suite struct `Files of containers` {
    /// A user of the host that has nothing to do with the sandbox.
    private func asStranger(_ words: [String]) throws -> Outcome {
        try Running(
            try #require(Host.find("setpriv")),
            ["--reuid=54322", "--regid=54322", "--clear-groups"]
                // A shell has let go of the capabilities that setpriv still has when it executes.
                + ["sh", "-c", "exec \"$@\"", "sh"] + words,
            environment: ["PATH=/usr/bin:/bin"]
        ).finish()
    }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    private func runUpper(
        _ box: Sandbox, _ script: String, _ options: [String] = [], config: Value? = nil
    ) throws -> Outcome {
        box.mayChange.insert("state")
        return try box.run(
            config ?? box.config(), ["--upper", box.path("state")] + options,
            arguments: ["sh", "-c", script])
    }

    private let makeTool = "cp /bin/busybox /true && chmod 4755 /true"

    // MARK: Others of the host

    @Test func `a set-uid program in a kept upper is out of reach for other users`() throws {
        try Sandbox.use { box in
            let run = try runUpper(box, makeTool)
            #expect(run.code == 0, "\(run)")
            let tool = box.path("state/upper/true")
            #expect(mode(tool) == 0o4755)
            #expect(try asStranger([tool]).code != 0)
            #expect(mode(box.path("state")) == 0o700)
            // As an earlier version has left it.
            chmod(box.path("state"), 0o755)
            #expect(try asStranger([tool]).code == 0)
            #expect(try runUpper(box, "true").code == 0)
            #expect(try asStranger([tool]).code != 0)
            #expect(try runUpper(box, "true", ["--snapshot", "one"]).code == 0)
            let frozen = box.path("state/snapshots/0001-one/true")
            #expect(mode(frozen) == 0o4755)
            #expect(try asStranger([frozen]).code != 0)
        }
    }

    @Test func `a set-uid program of an image is out of reach for other users`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add(
                Array("true".utf8), content: try #require(Host.bytes(Host.base + "/bin/busybox")),
                mode: 0o4755)
            #expect(try box.unpack(tar).code == 0)
            let tool = try box.onlyLayer() + "/true"
            #expect(mode(tool) == 0o4755)
            #expect(try asStranger([tool]).code != 0)
            // A store that an earlier version has made.
            chmod(box.path("app/layers/sha256"), 0o755)
            chmod(box.path("app/layers"), 0o755)
            #expect(try asStranger([tool]).code == 0)
            unlink(box.path("app/config.json"))
            #expect(try box.unpack(tar).code == 0)
            #expect(try asStranger([tool]).code != 0)
        }
    }

    @Test func `a committed directory is out of reach for other users`() throws {
        try Sandbox.use { box in
            #expect(try runUpper(box, makeTool).code == 0)
            try box.succeed("commit", box.path("state"), "-o", box.path("layer/"))
            #expect(mode(box.path("layer/true")) == 0o4755)
            #expect(mode(box.path("layer")) == 0o700)
            #expect(try asStranger([box.path("layer/true")]).code != 0)
            // It is a layer like others.
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([Host.base, box.path("layer")])
            #expect(try box.run(config, arguments: ["/true"]).code == 0)
        }
    }

    // MARK: Locks

    @Test func `a lock on a layer's directory disturbs nobody`() throws {
        try Sandbox.use { box in
            try box.makeRoot("layer")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([Host.base, box.path("layer")])
            let held = open(box.path("layer"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(held) }
            #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
            let run = try box.run(config, arguments: ["true"])
            #expect(run.code == 0, "\(run)")
            #expect(try runUpper(box, "true").code == 0)
            let upper = open(box.path("state/upper"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(upper) }
            #expect(flock(upper, LOCK_EX | LOCK_NB) == 0)
            let second = try runUpper(box, "true")
            #expect(second.code == 0, "\(second)")
        }
    }

    @Test func `what a run writes or lies on is not taken apart, and may be shared as a layer`()
        throws
    {
        try Sandbox.use { box in
            #expect(try runUpper(box, "echo 1 > /one").code == 0)
            #expect(try runUpper(box, "echo 2 > /two", ["--snapshot", "a"]).code == 0)
            let state = box.path("state")
            // A run of its own on the snapshot.
            var other = box.config()
            other["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.probeLayer, state + "/snapshots/0001-a",
            ])
            let waiting = try box.start(other, arguments: ["/probe", "--wait"], input: .open)
            #expect(try waiting.readLine() == "ready")
            let again = try box.run(other, arguments: ["cat", "/one"])
            #expect(again.output == "1\n", "\(again)")
            #expect(try runUpper(box, "cat /one /two").output == "1\n2\n")
            let all = try box.command("undo", "--all", state)
            #expect(
                all.code == 1 && all.error.contains("the snapshot \"a\" of \"\(state)\" is in use"),
                "\(all)")
            waiting.send(SIGTERM)
            _ = try waiting.finish()
            // The upper itself, while a run writes to it.
            let writing = try box.start(
                box.config(), ["--upper", state], arguments: ["/probe", "--wait"], input: .open)
            #expect(try writing.readLine() == "ready")
            other["vfs"]["overlay"]["layers"] = Value([Host.base, state + "/upper"])
            let refused = try box.run(other, arguments: ["true"])
            #expect(
                refused.code == 125
                    && refused.error.contains("is being written as the upper of another run"),
                "\(refused)")
            #expect(try runUpper(box, "true").error.contains("is in use by another run"))
            writing.send(SIGTERM)
            _ = try writing.finish()
            #expect(try box.run(other, arguments: ["cat", "/two"]).output == "2\n")
            try box.succeed("undo", "--all", state)
            #expect(!box.exists("state"))
        }
    }

    // MARK: Links, and files of others

    @Test(arguments: ["upper", "work", "snapshots", "lock"])
    func `an upper is not looked for behind a link`(_ name: String) throws {
        try Sandbox.use { box in
            try box.makeDirectory("elsewhere", mode: 0o700)
            try box.write("elsewhere/file", "theirs")
            try box.makeDirectory("state", mode: 0o700)
            try box.link("state/\(name)", to: "../elsewhere")
            let run = try runUpper(box, "rm -f /file; echo > /made")
            #expect(run.code == 125, "\(run)")
            #expect(TreeSnapshot.names(in: box.path("elsewhere")) == ["file"])
        }
    }

    @Test func `a directory of another user keeps no upper`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("state", mode: 0o755)
            chown(box.path("state"), 54_322, 54_322)
            let run = try runUpper(box, "true")
            #expect(
                run.code == 125 && run.error.contains("it belongs to the user 54322"), "\(run)")
            #expect(TreeSnapshot.names(in: box.path("state")) == [])
            // Others could have put a link in it.
            chown(box.path("state"), 0, 0)
            try box.makeDirectory("state/upper")
            try box.makeDirectory("state/work")
            chmod(box.path("state"), 0o777)
            let second = try runUpper(box, "true")
            #expect(
                second.code == 125 && second.error.contains("others may write to it"), "\(second)")
            for command in [["diff"], ["undo"], ["commit", "-o", box.path("x.tar")]] {
                let outcome = try box.runCommand(command + [box.path("state")])
                #expect(outcome.code == 1, "\(command): \(outcome)")
            }
        }
    }

    @Test func `unpack writes behind no link, and into nothing of another user`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("elsewhere/partial/mine")
            try box.makeDirectory("app")
            try box.link("app/layers", to: "../elsewhere")
            var tar = TarFile()
            tar.add("file", content: "text")
            let linked = try box.unpack(tar)
            #expect(linked.code == 1, "\(linked)")
            #expect(TreeSnapshot.names(in: box.path("elsewhere")) == ["partial"])
            #expect(box.exists("elsewhere/partial/mine"))
            unlink(box.path("app/layers"))
            try box.makeDirectory("app/layers/sha256")
            chown(box.path("app/layers"), 54_322, 54_322)
            let foreign = try box.unpack(tar)
            #expect(
                foreign.code == 1 && foreign.error.contains("it belongs to the user 54322"),
                "\(foreign)")
            #expect(TreeSnapshot.names(in: box.path("app/layers")) == ["sha256"])
            chown(box.path("app/layers"), 0, 0)
            chown(box.path("app/layers/sha256"), 54_322, 54_322)
            #expect(try box.unpack(tar).code == 1)
            chown(box.path("app"), 54_322, 54_322)
            #expect(try box.unpack(tar).code == 1)
        }
    }

    @Test func `a layer is not looked for behind a link that a container can make`() throws {
        try Sandbox.use { box in
            #expect(try runUpper(box, "ln -s \(box.canary) /out; mkdir /d").code == 0)
            func use(_ layer: String) throws -> Outcome {
                try box.run(box.config(), ["--layer", layer], arguments: ["cat", "/file"])
            }
            let upper = box.path("state/upper")
            let absolute = try use("\(upper)/out")
            #expect(
                absolute.code == 125 && absolute.output == ""
                    && absolute.error.contains(
                        "\"\(upper)/out\" is a symbolic link, which leads out of its directory, to"
                            + " \"\(box.canary)\""),
                "\(absolute)")
            try box.link("state/upper/relative", to: "../../canary")
            #expect(try use("\(upper)/relative").code == 125)
            try box.link("state/upper/box", to: box.directory)
            let between = try use("\(upper)/box/canary")
            #expect(
                between.code == 125
                    && between.error.contains("lies behind a symbolic link, \"\(upper)/box\""),
                "\(between)")
            try box.link("state/upper/loop", to: "loop")
            #expect(try use("\(upper)/loop").code == 125)
            // One that leads to what lies beside it is somebody's way to name a version.
            try box.write("layers/v3/file", "three")
            try box.link("layers/current", to: "v3")
            #expect(try use(box.path("layers/current")).output == "three")
        }
    }

    @Test func `a stack's layer is not looked for behind a link`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("app.mstack")
            try box.link("app.mstack/layer@1", to: box.canary)
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([Host.base, box.path("app.mstack")])
            let run = try box.run(config, arguments: ["cat", "/file"])
            #expect(
                run.code == 125 && run.error.contains("links in a stack are not followed"), "\(run)"
            )
        }
    }

    @Test func `a trace is written behind no link, and over no file of another user`() throws {
        try Sandbox.use { box in
            box.mayChange = ["trace.json", "mine.json"]
            func trace(_ path: String) throws -> Outcome {
                try box.run(box.config(), ["--trace", path], arguments: ["true"])
            }
            try box.link("trace.json", to: box.canary + "/file")
            lchown(box.path("trace.json"), 54_322, 54_322)
            #expect(try trace(box.path("trace.json")).error.contains("cannot be written"))
            #expect(box.read("canary/file") == "untouched\n")
            unlink(box.path("trace.json"))
            try box.write("trace.json", "theirs")
            chown(box.path("trace.json"), 54_322, 54_322)
            #expect(try trace(box.path("trace.json")).error.contains("cannot be written"))
            #expect(box.read("trace.json") == "theirs")
            try box.write("mine.json", String(repeating: "x", count: 1 << 20))
            #expect(try trace(box.path("mine.json")).code == 0)
            _ = try Value(parsing: box.read("mine.json"))
            #expect(try trace("/dev/stderr").error.contains("traceEvents"))
        }
    }

    // MARK: Files of the user's own

    @Test func `an upper is not made in a layer`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.directory("etc")
            #expect(try box.unpack(tar).code == 0)
            let layer = try box.onlyLayer()
            let before = TreeSnapshot.names(in: layer)
            for place in [layer, layer + "/etc", layer + "/new/one"] {
                let run = try box.run(box.config(), ["--upper", place], arguments: ["true"])
                #expect(
                    run.code == 125 && run.error.contains("lies inside the layer \"\(layer)\""),
                    "\(run)")
            }
            try box.makeRoot("plain")
            let run = try box.run(
                box.config(), ["--upper", box.path("plain/state"), "--layer", box.path("plain")],
                arguments: ["true"])
            #expect(run.code == 125 && run.error.contains("lies inside the layer"), "\(run)")
            #expect(!box.exists("plain/state"))
            #expect(TreeSnapshot.names(in: layer) == before)
        }
    }

    @Test func `an upper and an image are not mixed with other files`() throws {
        try Sandbox.use { box in
            try box.write("state/thesis.tex", "text")
            let run = try runUpper(box, "true")
            #expect(run.code == 125 && run.error.contains("(it has \"thesis.tex\")"), "\(run)")
            #expect(TreeSnapshot.names(in: box.path("state")) == ["thesis.tex"])
            #expect(mode(box.path("state")) == 0o755)
            var tar = TarFile()
            tar.add("file", content: "text")
            try box.write("app/thesis.tex", "text")
            let unpacked = try box.unpack(tar)
            #expect(
                unpacked.code == 1 && unpacked.error.contains("(it has \"thesis.tex\")"),
                "\(unpacked)")
            #expect(TreeSnapshot.names(in: box.path("app")) == ["thesis.tex"])
            let stored = try Running(
                Host.runtime,
                ["unpack", "--store", box.path("state"), box.path("layer.tar"), box.path("new")]
            ).finish()
            #expect(stored.code == 1, "\(stored)")
            #expect(TreeSnapshot.names(in: box.path("state")) == ["thesis.tex"])
        }
    }

    // MARK: What an upper lies on

    @Test func `a start that is refused leaves what is known of an upper as it was`() throws {
        try Sandbox.use { box in
            #expect(try runUpper(box, "echo > /made").code == 0)
            let before = box.read("state/layers.json")
            var config = box.config()
            config["vfs"]["overlay"]["options"] = Value(["redirect_dir=nonsense"])
            #expect(try runUpper(box, "true", config: config).code == 125)
            #expect(box.read("state/layers.json") == before)
            // Over other layers what was removed may come back.
            try box.write("other/file", "")
            let other = try runUpper(box, "true", ["--layer", box.path("other")])
            #expect(
                other.code == 125
                    && other.error.contains(
                        "was written over other layers: layer 3 from the bottom was none and is"
                            + " \"\(box.path("other"))\" now"),
                "\(other)")
            #expect(box.read("state/layers.json") == before)
            #expect(try runUpper(box, "ls /made").output == "/made\n")
            // Nothing was written yet: nothing depends on them.
            try box.succeed("undo", "--all", box.path("state"))
            #expect(try runUpper(box, "true").code == 0)
            #expect(try runUpper(box, "true", ["--layer", box.path("other")]).code == 0)
            #expect(box.read("state/layers.json").contains("other"))
        }
    }

    // MARK: What a directory of the host hands down

    /// For everything that is made in it: 54322 may do everything (acl(5), version 2 of the kernel's
    /// form).
    private static let defaultList: [UInt8] = {
        func entry(_ tag: UInt8, _ permissions: UInt8, _ id: UInt32 = .max) -> [UInt8] {
            [tag, 0, permissions, 0] + (0..<4).map { UInt8(id >> ($0 * 8) & 0xff) }
        }
        return [2, 0, 0, 0] + entry(0x01, 7) + entry(0x02, 7, 54_322) + entry(0x04, 7)
            + entry(0x10, 7) + entry(0x20, 7)
    }()

    @Test func `what comes from an image has nothing of the directory that it lies in`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("parent")
            chown(box.path("parent"), 0, 54_322)
            chmod(box.path("parent"), 0o2755)
            let list = Self.defaultList
            try #require(
                clinux_lsetxattr(
                    box.path("parent"), "system.posix_acl_default", list, list.count) == 0)
            box.mayChange.insert("parent")
            #expect(
                try box.run(
                    box.config(), ["--upper", box.path("parent/state")],
                    arguments: ["sh", "-c", "mkdir /d; echo > /d/f; stat -c '%a %g' / /d"]
                ).output == "755 0\n755 0\n")
            var tar = TarFile()
            tar.directory("d")
            tar.add("d/f", content: "text")
            try box.writeBytes("layer.tar", tar.finished)
            #expect(
                try Running(
                    Host.runtime, ["unpack", box.path("layer.tar"), box.path("parent/app")]
                ).finish().code == 0)
            try box.succeed(
                "commit", box.path("parent/state"), "-o", box.path("parent/layer/"))
            let stored = "parent/app/layers/sha256"
            let layer = "\(stored)/" + (TreeSnapshot.names(in: box.path(stored)).first ?? "")
            for tree in ["parent/state/upper", "parent/layer", layer] {
                for name in ["", "/d", "/d/f"] {
                    let path = box.path(tree + name)
                    var status = stat()
                    #expect(lstat(path, &status) == 0, "\(path)")
                    #expect(status.st_gid == 0 && status.st_mode & 0o2000 == 0, "\(path)")
                    for kind in ["access", "default"] {
                        #expect(
                            Host.attribute("system.posix_acl_\(kind)", of: path) == nil, "\(path)")
                    }
                }
            }
        }
    }
}
