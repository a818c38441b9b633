import Glibc
import Testing

/// Sources of `mounts[]`: paths of the host, and what earlier mounts of the container provide.
struct MountSourceTests {
    // MARK: Overlays

    private func overlay(_ box: Sandbox, _ options: [String]) -> Value {
        [
            "destination": "/over", "type": "overlay", "source": "overlay",
            "options": Value(options),
        ]
    }

    private func prepareLayers(_ box: Sandbox) throws -> [String] {
        for name in ["with:colon", "top", "up", "work"] { try box.makeDirectory(name) }
        try box.write("with:colon/below", "below\n")
        try box.write("with:colon/both", "below\n")
        try box.write("top/both", "top\n")
        let low = box.path("with:colon").replacing(":", with: "\\:")
        return [
            "lowerdir=\(box.path("top")):\(low)", "upperdir=\(box.path("up"))",
            "workdir=\(box.path("work"))",
        ]
    }

    private let script = "cat /over/below /over/both && echo new > /over/new && cat /over/new"

    @Test(arguments: [false, true])
    func `an overlay has its directories from the host`(_ hasUserNamespace: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            if hasUserNamespace {
                config["linux"]["namespaces"].append(["type": "user"])
                let all: Value = [["containerID": 0, "hostID": 0, "size": 65536]]
                config["linux"]["uidMappings"] = all
                config["linux"]["gidMappings"] = all
            }
            let options = try prepareLayers(box)
            config["mounts"].append(overlay(box, options))
            box.mayChange = ["up", "up/new", "work"]
            let outcome = try box.run(config, arguments: ["/bin/sh", "-c", script])
            #expect(outcome.output == "below\ntop\nnew\n", "\(outcome)")
            #expect(box.read("up/new") == "new\n")
        }
    }

    @Test func `an overlay of an ordinary user has them too`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            let options = try prepareLayers(box)
            for name in ["up", "work"] { chown(box.path(name), OrdinaryUser.id, OrdinaryUser.id) }
            config["mounts"].append(overlay(box, options + ["userxattr"]))
            box.mayChange = ["up", "up/new", "work"]
            let outcome = try box.runOrdinary(config, shell: script)
            #expect(outcome.output == "below\ntop\nnew\n", "\(outcome)")
        }
    }

    @Test func `a layer that is not there is named`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(
                overlay(box, ["lowerdir=\(box.path("nowhere")):\(box.directory)"]))
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("lowerdir \"\(box.path("nowhere"))\""), "\(outcome)")
        }
    }

    // MARK: Earlier mounts

    private func rooted(_ box: Sandbox) throws -> (config: Value, root: String) {
        let root = try box.makeRoot()
        for name in ["mnt", "final"] { try box.makeDirectory("rootfs/\(name)") }
        try box.makeDirectory("source/x")
        try box.write("source/x/file", "provided\n")
        var config = Config.minimal(root: root)
        config.run(["/bin/cat", "/final/file"])
        // Not the lowest layer of an overlay.
        config["vfs"]["overlay"] = false
        return (config, root)
    }

    /// What lies underneath, and whether the destinations are written as paths of the host.
    @Test(arguments: [false, true], [false, true])
    func `what an earlier mount provides is the source`(
        _ isCovered: Bool, _ namesHost: Bool
    ) throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            var config = base
            if isCovered {
                try box.makeDirectory("rootfs/mnt/x")
                try box.write("rootfs/mnt/x/file", "covered\n")
            }
            config["mounts"].append(Config.bind(box.path("source"), "/mnt"))
            config["mounts"].append(
                Config.bind("\(root)/mnt/x", namesHost ? "\(root)/final" : "/final"))
            let outcome = try box.run(config)
            #expect(outcome.output == "provided\n", "\(outcome)")
        }
    }

    @Test func `a source in the root that no mount covers is the host's`() throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            var config = base
            try box.makeDirectory("rootfs/mnt/x")
            try box.write("rootfs/mnt/x/file", "of the root\n")
            config["mounts"].append(Config.bind("\(root)/mnt/x", "/final"))
            #expect(try box.run(config).output == "of the root\n")
            config["mounts"].append(Config.bind("\(root)/mnt/y", "/final"))
            let missing = try box.run(config)
            #expect(missing.code == 125 && missing.error.contains("must exist"), "\(missing)")
        }
    }

    /// A copy of it would have no masks.
    @Test func `the kernel's interfaces in an earlier mount are no source`() throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            var config = base
            config["mounts"].append(Config.bind("\(root)/proc/sys", "/final"))
            let outcome = try box.run(config)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("would have no masks"), "\(outcome)")
        }
    }

    /// Nor may they come along below it.
    @Test func `the kernel's interfaces below an earlier mount do not come along`() throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            var config = base
            config["mounts"].append(Config.mount("/mnt", "tmpfs"))
            config["mounts"].append(Config.mount("/mnt/proc", "proc"))
            var recursive = Config.bind("\(root)/mnt", "/final")
            recursive["options"] = ["rbind"]
            config["mounts"].append(recursive)
            config.run(["/bin/ls", "/final/proc"])
            let outcome = try box.run(config)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("a mount of type proc below it"), "\(outcome)")
        }
    }

    /// An image's link in the source, or in a layer, chooses no directory of the host.
    @Test func `a link in the root directory leads to no directory of the host`() throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            try box.makeDirectory("secret/sub")
            try box.write("secret/sub/file", "secret\n")
            try box.link("rootfs/vol", to: box.path("secret"))
            var config = base
            config["mounts"].append(Config.bind("\(root)/vol/sub", "/final"))
            let bound = try box.run(config)
            #expect(bound.code == 125 && bound.output.isEmpty, "\(bound)")
            config = base
            var over = overlay(box, ["lowerdir=\(root)/vol/sub:\(root)/mnt"])
            over["destination"] = "/final"
            config["mounts"].append(over)
            let mounted = try box.run(config)
            #expect(mounted.code == 125 && mounted.output.isEmpty, "\(mounted)")
        }
    }

    /// A link in the tree chooses nothing.
    @Test func `a link in an earlier mount leads to no other source`() throws {
        try Sandbox.use { box in
            let (base, root) = try rooted(box)
            var config = base
            try box.link("source/link", to: "/proc")
            config["mounts"].append(Config.bind(box.path("source"), "/mnt"))
            config["mounts"].append(Config.bind("\(root)/mnt/link", "/final"))
            let outcome = try box.run(config)
            #expect(outcome.code == 125 && outcome.error.contains("must exist"), "\(outcome)")
        }
    }
}
