import CLinux
import Glibc
import Testing

/// Layers of ours in the hands of others.
struct LayerPeerTests {
    private func command(_ program: String, _ arguments: String...) throws -> Outcome {
        let path = try #require(Host.find(program), "\(program) is missing; make test installs it")
        let outcome = try Running(path, arguments, environment: ["PATH=/usr/bin:/bin"]).finish()
        #expect(outcome.code == 0, "\(program) \(arguments): \(outcome)")
        return outcome
    }

    /// A tree, and an upper on it that deletes, empties, changes and adds.
    private func makeLayers(_ box: Sandbox) throws -> Outcome {
        for name in ["kept", "changed", "gone", "d/gone", "d/kept", "o/was", "k"] {
            try box.write("low/\(name)", name, mode: 0o640)
        }
        try box.makeDirectory("low/dir/sub")
        #expect(link(box.path("low/kept"), box.path("low/kept-too")) == 0)
        #expect(mknod(box.path("low/null"), S_IFCHR | 0o666, 0x103) == 0)
        var config = box.config()
        config["vfs"]["overlay"]["layers"] = Value([
            Host.base, box.probeLayer, box.path("low"),
        ])
        config.grant(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD"])
        box.mayChange = ["state"]
        let script = """
            echo new > /changed; chown 5:6 /changed; rm /gone /d/gone; rm -r /o /k /dir
            mkdir /o /k; echo > /o/is; echo > "/k/a b"; ln /o/is /linked; ln -s o /dir; mkfifo /pipe
            touch -d '2001-02-03 04:05:06' /o/is; chmod 1777 /k
            """
        let run = try box.run(
            config, ["--upper", box.path("state")], arguments: ["sh", "-ec", script])
        #expect(run.code == 0, "\(run)")
        return run
    }

    @Test func `umoci unpacks them to the tree that export writes, and skopeo copies them`() throws
    {
        try Sandbox.use { box in
            _ = try makeLayers(box)
            try box.succeed("commit", "-q", Host.base, "-o", box.path("base.tar"))
            try box.succeed("commit", "-q", box.path("low"), "-o", box.path("low.tar"))
            let said = try box.succeed(
                "commit", "--json", box.path("state"), "-o", box.path("top.tar"))
            let layout = box.path("layout")
            _ = try command("umoci", "init", "--layout", layout)
            _ = try command("umoci", "new", "--image", layout + ":a")
            for layer in ["base", "low", "top"] {
                _ = try command(
                    "umoci", "raw", "add-layer", "--image", layout + ":a", box.path("\(layer).tar"))
            }
            _ = try command(
                "umoci", "unpack", "--image", layout + ":a", box.path("unpacked"))
            let whole = try box.makeDirectory("whole")
            try box.succeed(
                "export", "-q", "--layer", Host.base, "--layer", box.path("low"),
                box.path("state"), "-o", box.path("whole.tar"))
            _ = try command(
                "tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf",
                box.path("whole.tar"), "-C", whole)
            #expect(
                TreeRecord(whole).differences(to: TreeRecord(box.path("unpacked/rootfs"))) == [])
            // The diff-id that we say is the one in the image's config.
            let id = try Value(parsing: said.output)["diffID"].string ?? "none"
            let config = try command("skopeo", "inspect", "--config", "oci:\(layout):a")
            #expect(config.output.contains(id), "\(id) \(config)")
            _ = try command(
                "skopeo", "--insecure-policy", "copy", "oci:\(layout):a",
                "oci-archive:\(box.path("copy.tar"))")
        }
    }
}
