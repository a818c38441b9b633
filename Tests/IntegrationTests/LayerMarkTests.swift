import CLinux
import Glibc
import Testing

/// How a layer notes what it hides, and who sees it.
struct LayerMarkTests {
    /// A layer that hides a directory's content, a file, and a name that nothing below has.
    private func tar() -> TarFile {
        var tar = TarFile()
        tar.directory("opaque")
        tar.add("opaque/.wh..wh..opq")
        tar.add("opaque/new", content: "n")
        tar.add(".wh.gone")
        tar.add("only/.wh.nothing")
        tar.add("only/here", content: "h")
        return tar
    }

    private func makeLow(_ box: Sandbox) throws {
        try box.write("low/opaque/old", "o")
        try box.write("low/gone", "g")
    }

    private static let list = "ls -a /opaque /only; ls -d /gone; true"
    private static let seen = "/only:\n.\n..\nhere\n\n/opaque:\n.\n..\nnew\n"

    private func config(_ box: Sandbox, _ layer: String) -> Value {
        var config = box.config()
        for path in [box.path("low"), layer] {
            config["vfs"]["overlay"]["layers"].append(.string(path))
        }
        config.run(["sh", "-c", Self.list])
        return config
    }

    @Test func `a whiteout over nothing is not listed`() throws {
        try Sandbox.use { box in
            try makeLow(box)
            #expect(try box.unpack(tar()).code == 0)
            let layer = try box.onlyLayer()
            #expect(try box.run(config(box, layer)).output == Self.seen)
            // The same of a directory that was committed.
            try box.succeed("commit", "-q", layer, "-o", box.path("again") + "/")
            #expect(try box.run(config(box, box.path("again"))).output == Self.seen)
        }
    }

    @Test func `a layer of an ordinary user's is refused by root, and the other way round`() throws
    {
        try Sandbox.use { box in
            try makeLow(box)
            try box.prepareOrdinary()
            try box.writeBytes("layer.tar", tar().finished)
            let mine = try box.startOrdinary(
                ["unpack", box.path("layer.tar"), box.path("keep/app")]
            ).finish()
            #expect(mine.code == 0, "\(mine)")
            let store = box.path("keep/app/layers/sha256")
            let layer = try store + "/" + #require(TreeSnapshot.names(in: store).first)
            #expect(Host.attribute("user.overlay.opaque", of: layer + "/opaque") == "y")
            let refused = try box.run(config(box, layer))
            #expect(
                refused.code == 125
                    && refused.error.contains("removed files would be visible again")
                    && refused.error.contains("add \"userxattr\""), "\(refused)")
            var understood = config(box, layer)
            understood["vfs"]["overlay"]["options"] = Value(["userxattr"])
            #expect(try box.run(understood).output == Self.seen)
            // What takes a layer apart knows it too.
            var bundle = understood
            bundle["vfs"]["overlay"]["layers"] = Value([layer])
            bundle["vfs"]["overlay"]["options"] = Value([String]())
            try box.write("packed/config.json", bundle.prettyText)
            try box.succeed("pack", "-q", box.path("packed"), "oci:" + box.path("image"))
            let again = try box.unpack("oci:" + box.path("image"))
            #expect(again.code == 0, "\(again)")
            let roots = try box.onlyLayer()
            #expect(Host.attribute("trusted.overlay.opaque", of: roots + "/opaque") == "y")
            #expect(Host.attribute("user.vfs-run.marks", of: roots) == "trusted")
            // A store for several users, which has to be opened to them.
            for name in ["app", "app/layers", "app/layers/sha256"] {
                #expect(chmod(box.path(name), 0o755) == 0)
            }
            var foreign = box.ordinaryConfig()
            foreign["vfs"]["overlay"]["layers"] = Value([box.path("rootfs"), roots])
            let other = try box.runOrdinary(foreign, shell: "ls -d /opaque")
            #expect(
                other.code == 125 && other.error.contains("removed files would be visible again"),
                "\(other)")
        }
    }

    private func attributes(_ script: String, _ path: String) throws {
        let quiet = "{ \(script); } 2> /dev/null; true"
        #expect(try Running("/bin/bash", ["-c", quiet, "sh", path]).finish().code == 0)
    }

    /// Neither `unpack` nor `commit` has made it: the kernel, or the record beside it, says it.
    @Test(arguments: [[], ["userxattr"]])
    func `an upper that is used as a layer is refused where its notes are not seen`(
        _ options: [String]
    ) throws {
        try Sandbox.use { box in
            try makeLow(box)
            box.mayChange = ["state"]
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.probeLayer, box.path("low"),
            ])
            config["vfs"]["overlay"]["options"] = Value(options)
            let change = "busybox rm -r /opaque; busybox mkdir /opaque"
            let written = try box.run(
                config, ["--upper", box.path("state")], arguments: ["sh", "-c", change])
            #expect(written.code == 0, "\(written)")
            let upper = box.path("state/upper")
            // As kernels before 6.6 leave it; and as a container can write it.
            let forged = options.isEmpty ? "user" : "trusted"
            try attributes(
                "for n in uuid impure origin; do setfattr -x trusted.overlay.$n $1; setfattr -x user.overlay.$n $1; done;"
                    + " setfattr -n user.vfs-run.marks -v \(forged) $1", upper)
            func list(_ other: [String]) throws -> Outcome {
                var config = self.config(box, upper)
                config["vfs"]["overlay"]["options"] = Value(other)
                return try box.run(config, arguments: ["ls", "/opaque"])
            }
            #expect(try list(options).output == "")
            let refused = try list(options.isEmpty ? ["userxattr"] : [])
            #expect(
                refused.code == 125
                    && refused.error.contains("removed files would be visible again"),
                "\(refused)")
            // A copy has nothing beside it: the kernel's own notes tell.
            let copy = box.path("copy")
            #expect(try Running("/bin/cp", ["-a", upper, copy]).finish().code == 0)
            let kind = options.isEmpty ? "trusted" : "user"
            try attributes(
                "setfattr -x user.vfs-run.marks $1; setfattr -n \(kind).overlay.impure -v y $1",
                copy)
            let diff = try box.command("diff", "--layer", box.path("low"), copy)
            #expect(diff.output == "M /opaque/  emptied first\n", "\(diff)")
            var other = self.config(box, copy)
            other["vfs"]["overlay"]["options"] = Value(options.isEmpty ? ["userxattr"] : [])
            let again = try box.run(other)
            #expect(
                again.code == 125 && again.error.contains("removed files would be visible again"),
                "\(again)")
        }
    }

    /// In a directory of an overlay nobody makes a device 0:0.
    @Test func `a layer is unpacked onto an overlay`() throws {
        try Sandbox.use { box in
            try makeLow(box)
            try box.writeBytes("layer.tar", tar().finished)
            for name in ["below", "upper", "work", "out"] { try box.makeDirectory("ovl/\(name)") }
            let place = box.path("ovl")
            let outcome = try Running(
                try #require(Host.find("unshare")),
                [
                    "-m", "/bin/sh", "-ec",
                    """
                    mount -t overlay o -o lowerdir=below,upperdir=upper,workdir=work out
                    "$0" unpack "$1" out/app
                    cp -a out/app ../app
                    """, Host.runtime, box.path("layer.tar"),
                ], directory: place
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(try box.run(config(box, box.onlyLayer())).output == Self.seen)
        }
    }

    @Test func `root of a user namespace unpacks as an ordinary user`() throws {
        try Sandbox.use { box in
            var tar = tar()
            tar.add("null", "3", mode: 0o666, device: (1, 3))
            tar.add("owned", content: "x", owner: 77)
            try box.writeBytes("layer.tar", tar.finished)
            try box.prepareOrdinary()
            let outcome = try Running(
                try #require(Host.find("setpriv")),
                [
                    "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)", "--clear-groups",
                    "unshare", "--user", "--map-root-user", box.path("vfs-run"), "unpack",
                    box.path("layer.tar"), box.path("keep/app"),
                ], environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(
                outcome.code == 0 && outcome.error.contains("devices are left out")
                    && outcome.error.contains("owners that this user namespace does not have"),
                "\(outcome)")
            let store = box.path("keep/app/layers/sha256")
            let layer = try store + "/" + #require(TreeSnapshot.names(in: store).first)
            #expect(Host.attribute("user.overlay.opaque", of: layer + "/opaque") == "y")
            #expect(Host.attribute("user.vfs-run.marks", of: layer) == "user")
        }
    }
}
