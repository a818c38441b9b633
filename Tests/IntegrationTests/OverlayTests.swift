import Glibc
import Testing

/// `vfs.overlay`: layers, the writable one, and who may use which.
struct OverlayTests {
    @Test func `layers lie on each other bottom first`() throws {
        try Sandbox.use { box in
            try box.write("low/etc/name", "low")
            try box.write("low/etc/only-low", "1")
            try box.write("high/etc/name", "high")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.probeLayer, box.path("low"), "../high",
            ])
            let facts = try box.probe(config, ["read:/etc/name", "read:/etc/only-low"])
            #expect(facts.found("read:/etc/name") == "high")
            #expect(facts.found("read:/etc/only-low") == "1")
            let root = try #require(facts.mount(on: "/"))
            #expect(root.type == "overlay")
        }
    }

    @Test func `root.path is the only layer where none are named`() throws {
        try Sandbox.use { box in
            let root = try box.makeRoot()
            let facts = try box.probe(Config.minimal(root: root), ["create:/new"])
            #expect(facts.mount(on: "/")?.type == "overlay")
            #expect(facts.result("create:/new") == "ok")
        }
    }

    @Test func `"overlay": false writes through to root.path`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            box.mayChange = ["rootfs"]
            let facts = try box.probe(box.plainConfig(), ["create:/new=kept"])
            #expect(facts.mount(on: "/")?.type != "overlay")
            #expect(box.read("rootfs/new") == "kept")
        }
    }

    @Test func `the writable layer holds no more than its size`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["size"] = "3M"
            let facts = try box.probe(config, ["fill:/big=8"])
            #expect(facts.result("fill:/big") == "ENOSPC")
            let written = facts.found("fill:/big").integer ?? 0
            #expect((2 << 20...3 << 20).contains(written), "\(written) bytes")
        }
    }

    @Test func `an upper of the config is kept, deletions too`() throws {
        try Sandbox.use { box in
            box.mayChange = ["state"]
            var config = box.config()
            config["vfs"]["overlay"]["upper"] = "../state"
            _ = try box.run(config, arguments: ["sh", "-c", "rm -r /etc; echo 1 > /one"])
            let facts = try box.probe(config, ["lstat:/etc/passwd", "read:/one"])
            #expect(facts.result("lstat:/etc/passwd") == "ENOENT")
            #expect(facts.found("read:/one") == "1\n")
        }
    }

    /// Bytes that mean something in an option string, and more than one option string holds.
    @Test(arguments: [
        "a:b", "a,b", "a\\b", "a b", "a\"b", "ü", "a\nb", "lowerdir=x", "a=b", "%s", "a:::,\\: b",
        "long/"
            + [String](repeating: String(repeating: "x", count: 100), count: 8)
            .joined(separator: "/"),
    ])
    func `a layer and an upper may have any name`(_ name: String) throws {
        try Sandbox.use { box in
            box.mayChange = ["up"]
            try box.write("layers/\(name)/found", "yes")
            try box.makeDirectory("up/\(name)")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layers/\(name)")))
            config["vfs"]["overlay"]["upper"] = .string(box.path("up/\(name)"))
            let facts = try box.probe(config, ["read:/found", "create:/written=1"])
            #expect(facts.found("read:/found") == "yes")
            #expect(facts.result("create:/written") == "ok")
            #expect(box.read("up/\(name)/upper/written") == "1")
        }
    }

    @Test func `many layers make one tree`() throws {
        try Sandbox.use { box in
            var config = box.config()
            for number in 0..<60 {
                try box.write("layers/\(number)/file-\(number)", "\(number)")
                try box.write("layers/\(number)/top", "\(number)")
                config["vfs"]["overlay"]["layers"].append("../layers/\(number)")
            }
            let facts = try box.probe(config, ["read:/top", "read:/file-0", "read:/file-59"])
            #expect(facts.found("read:/top") == "59")
            #expect(facts.found("read:/file-0") == "0")
        }
    }

    // MARK: Who may use what

    @Test func `a second run on an upper is refused while the first runs`() throws {
        try Sandbox.use { box in
            let options = ["--upper", box.path("state")]
            let first = try box.start(
                box.config(), options, arguments: ["/probe", "--wait"], input: .open)
            _ = try first.readLine()
            let second = try box.start(box.config(), options, arguments: ["true"]).finish()
            #expect(second.code == 125)
            #expect(second.error.contains("in use by another run"), "\(second)")
            #expect(second.error.contains(box.path("state")))
            first.send(SIGTERM)
            _ = try first.finish()
            let third = try box.start(box.config(), options, arguments: ["true"]).finish()
            #expect(third.code == 0, "\(third)")
        }
    }

    @Test func `a layer that is being written is refused`() throws {
        try Sandbox.use { box in
            let first = try box.start(
                box.config(), ["--upper", box.path("state")], arguments: ["/probe", "--wait"],
                input: .open)
            _ = try first.readLine()
            let second = try box.start(
                box.config(), ["--layer", box.path("state/upper")], arguments: ["true"]
            ).finish()
            #expect(second.code == 125)
            #expect(second.error.contains("written as the upper of another run"), "\(second)")
            first.send(SIGTERM)
            _ = try first.finish()
        }
    }

    @Test func `an upper that is somebody's layer is refused`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("state/upper")
            try box.makeDirectory("state/work")
            let first = try box.start(
                box.config(), ["--layer", box.path("state/upper")],
                arguments: ["/probe", "--wait"], input: .open)
            _ = try first.readLine()
            let second = try box.start(
                box.config(), ["--upper", box.path("state")], arguments: ["true"]
            ).finish()
            #expect(second.code == 125, "\(second)")
            first.send(SIGTERM)
            _ = try first.finish()
        }
    }

    @Test func `runs share layers and no writable file`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/dev/shm", "tmpfs", ["mode=1777"]))
            let first = try box.start(
                config,
                arguments: [
                    "sh", "-c", "echo 1 > /dev/shm/x; echo 1 > /tmp/x; exec /probe --wait",
                ], input: .open)
            _ = try first.readLine()
            let facts = try box.probe(config, ["lstat:/dev/shm/x", "lstat:/tmp/x"])
            #expect(facts.result("lstat:/dev/shm/x") == "ENOENT")
            #expect(facts.result("lstat:/tmp/x") == "ENOENT")
            first.send(SIGTERM)
            _ = try first.finish()
        }
    }

    // MARK: What is wrong with it

    @Test func `a layer that is missing or a file is named`() throws {
        try Sandbox.use { box in
            for (path, words) in [
                (box.path("nothing"), "does not exist"), (box.path("canary/file"), "directory"),
            ] {
                var config = box.config()
                config["vfs"]["overlay"]["layers"].append(.string(path))
                let outcome = try box.run(config)
                #expect(outcome.code == 125)
                #expect(outcome.error.contains(path) && outcome.error.contains(words), "\(outcome)")
                #expect(outcome.error.contains("config.json:"), "\(outcome)")
            }
        }
    }

    @Test func `one directory twice among the layers is named`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(Host.base))
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains(Host.base), "\(outcome)")
        }
    }

    @Test func `an unknown overlay option is named`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["options"] = ["metacopi=on"]
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("metacopi"), "\(outcome)")
        }
    }
}
