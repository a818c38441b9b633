import CLinux
import Glibc
import Testing

/// What a layer keeps of the files that a run has written, and in which form.
struct LayerFormTests {
    private func set(_ name: String, _ value: [UInt8], on path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        guard clinux_fsetxattr(file, name, value, value.count) == 0 else {
            throw Failure("setxattr \(name): \(errno)")
        }
    }

    // MARK: Holes

    /// GNU's format of sparse files is none of the OCI specification: whoever packs the layer anew
    /// gets another digest.
    @Test func `holes are zeros in an archive, and none of its entries is sparse`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("upper")
            let file = open(box.path("upper/file"), O_CREAT | O_WRONLY, 0o644)
            #expect(ftruncate(file, 3 << 20) == 0 && pwrite(file, "data", 4, 1 << 20) == 4)
            close(file)
            try box.succeed("commit", "-q", box.path("upper"), "-o", box.path("layer.tar"))
            let bytes = try #require(Host.bytes(box.path("layer.tar")))
            #expect(bytes.count > 3 << 20)
            #expect(bytes.firstRange(of: Array("GNU.sparse".utf8)) == nil)
            let sum = try Running(
                "/bin/sh",
                [
                    "-c", "tar -xOf \"$0\" file | sha256sum; sha256sum < \"$1\"",
                    box.path("layer.tar"), box.path("upper/file"),
                ]
            ).finish().output.split(separator: "\n")
            #expect(sum.count == 2 && sum[0] == sum[1])
        }
    }

    @Test func `a file that is nothing but a hole does not fill the disk`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("upper")
            let file = open(box.path("upper/huge"), O_CREAT | O_WRONLY, 0o644)
            #expect(ftruncate(file, 1 << 40) == 0)
            close(file)
            let outcome = try box.command(
                "commit", box.path("upper"), "-o", box.path("layer.tar.gz"))
            #expect(
                outcome.code == 1 && outcome.error.contains("64 GiB of holes")
                    && !box.exists("layer.tar.gz"), "\(outcome)")
            try box.succeed("commit", "-q", box.path("upper"), "-o", box.path("layer") + "/")
        }
    }

    // MARK: The root directory

    private func described(_ path: String) -> String {
        var found = stat()
        guard lstat(path, &found) == 0 else { return "nothing" }
        return "\(String(found.st_mode & 0o7777, radix: 8)) \(found.st_uid):\(found.st_gid)"
    }

    @Test func `the root directory is the lowest layer's, thrown away or kept`() throws {
        try Sandbox.use { box in
            try box.makeRoot("base")
            #expect(chown(box.path("base"), 7, 8) == 0 && chmod(box.path("base"), 0o1751) == 0)
            try box.makeDirectory("other", mode: 0o700)
            // What lies around an upper leaves nothing on it.
            try box.makeDirectory("around", mode: 0o2770)
            #expect(chown(box.path("around"), 0, 1234) == 0)
            #expect(chmod(box.path("around"), 0o2770) == 0)
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([box.path("base"), box.path("other")])
            box.mayChange = ["around"]
            let show = Self.show
            #expect(try box.run(config, arguments: show).output == "1751 7:8\n")
            let state = box.path("around/state")
            #expect(
                try box.run(config, ["--upper", state], arguments: show).output == "1751 7:8\n")
            #expect(try box.succeed("diff", state).output == "")
            #expect(described(state + "/upper") == "1751 7:8")
            // What the container makes of it stays.
            let change = ["sh", "-c", "busybox chmod 711 /; busybox chown 0:0 /"]
            config.grant(["CAP_CHOWN", "CAP_FOWNER"])
            #expect(try box.run(config, ["--upper", state], arguments: change).code == 0)
            #expect(
                try box.run(config, ["--upper", state], arguments: show).output == "711 0:0\n")
            let words = "mode 1751 -> 711, owner 7:8 -> 0:0"
            #expect(try box.succeed("diff", state).output == "M /  \(words)\n")
            let frozen = try box.run(
                config, ["--upper", state, "--snapshot", "one"], arguments: show)
            #expect(frozen.output == "711 0:0\n", "\(frozen)")
            #expect(try box.succeed("diff", "--since", "one", state).output == "")
            // An archive says it where it is another than that of the layers.
            try box.succeed("commit", "-q", state, "-o", box.path("layer.tar"))
            let list = try Running("/usr/bin/tar", ["-tvf", box.path("layer.tar")]).finish()
            #expect(list.output.hasPrefix("drwx--x--x 0/0 "), "\(list)")
        }
    }

    private static let show = ["busybox", "stat", "-c", "%a %u:%g", "/"]

    @Test func `a committed directory is private, and says the mode of the root directory`() throws
    {
        try Sandbox.use { box in
            try box.makeRoot("base")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([box.path("base")])
            config.grant(["CAP_CHOWN", "CAP_FOWNER"])
            box.mayChange = ["state"]
            let change = "busybox chmod 1751 /; busybox chown 7:8 /"
            let state = box.path("state")
            #expect(
                try box.run(config, ["--upper", state], arguments: ["sh", "-c", change]).code == 0)
            try box.succeed("commit", "-q", state, "-o", box.path("layer") + "/")
            #expect(described(box.path("layer")) == "700 7:8")
            config["vfs"]["overlay"]["layers"] = Value([box.path("base"), box.path("layer")])
            #expect(try box.run(config, arguments: Self.show).output == "1751 7:8\n")
            // Alone, and with its files in an archive.
            try box.succeed("commit", "-q", box.path("layer"), "-o", box.path("layer.tar"))
            let list = try Running("/usr/bin/tar", ["-tvf", box.path("layer.tar")]).finish()
            #expect(list.output.hasPrefix("drwxr-x--t 7/8 "), "\(list)")
            try Running("/bin/cp", ["-a", box.path("base/bin"), box.path("layer/bin")]).finish()
            config["vfs"]["overlay"]["layers"] = Value([box.path("layer")])
            #expect(try box.run(config, arguments: Self.show).output == "1751 7:8\n")
            // A container's own attribute of that name says nothing to others.
            try set("user.vfs-run.root", Array("755".utf8), on: state + "/upper")
            let words = "mode 755 -> 1751, owner 0:0 -> 7:8"
            #expect(try box.succeed("diff", state).output == "M /  \(words)\n")
        }
    }

    @Test func `a layer of an image that changes the root directory is heard`() throws {
        try Sandbox.use { box in
            let tar = try #require(Host.find("tar"))
            let base = ["-C", Host.base, "-cf", box.path("base.tar"), "."]
            #expect(try Running(tar, base).finish().code == 0)
            var middle = TarFile()
            middle.add("./", "5", mode: 0o1711, owner: 7)
            var top = TarFile()
            top.add("file", content: "x", pax: [("SCHILY.xattr.user.vfs-run.root", "700")])
            let layers = [
                try #require(Host.bytes(box.path("base.tar"))), middle.finished, top.finished,
            ]
            try box.writeLayout([("t", nil, layers.map { ($0, .none) })])
            let unpacked = try box.unpack("oci:\(box.path("layout")):t")
            #expect(unpacked.code == 0 && unpacked.error.contains("of vfs-run are left out"))
            let config = box.path("app/config.json")
            let run = try Running(Host.runtime, [config, "--"] + Self.show).finish()
            #expect(run.output == "1711 7:7\n", "\(run)")
            // Packed anew, without the image that it came from, the layer still says so.
            box.remove("layout")
            try box.succeed("pack", "-q", box.path("app"), "oci:" + box.path("second"))
            box.remove("app")
            #expect(try box.unpack("oci:" + box.path("second")).code == 0)
            let again = try Running(Host.runtime, [config, "--"] + Self.show).finish()
            #expect(again.output == "1711 7:7\n", "\(again)")
        }
    }

    // MARK: Files with several names

    @Test func `an index is refused where the upper is read later`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"]["options"] = Value(["index=on"])
            #expect(try box.run(config, arguments: ["true"]).code == 0)
            for options in [["--upper", box.path("state")], ["--diff"]] {
                let outcome = try box.run(config, options, arguments: ["true"])
                #expect(
                    outcome.code == 125
                        && outcome.error.contains("stores files with several hard links outside"),
                    "\(outcome)")
            }
            #expect(!box.exists("state"))
        }
    }

    @Test func `a new name of a file without its data is a new name, and nothing was moved`() throws
    {
        try Sandbox.use { box in
            for name in ["a", "c", "e"] { try box.write("low/o/\(name)", "text \(name)") }
            try box.write("low/o/x", "text x")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append("../low")
            config["vfs"]["overlay"]["options"] = Value(["metacopy=on", "redirect_dir=on"])
            box.mayChange = ["state"]
            let state = box.path("state")
            let script = "cd /o; ln a b; ln c d; chmod 600 c; ln -f e x; cat x"
            let run = try box.run(
                config, ["--upper", state], arguments: ["sh", "-ec", script])
            #expect(run.code == 0 && run.output == "text e", "\(run)")
            #expect(
                try box.succeed("diff", state).output == """
                    A /o/b  same file as /o/a
                    M /o/c  mode 644 -> 600
                    A /o/d  same file as /o/c
                    M /o/x  content, same file as /o/e

                    """)
            try box.succeed("commit", "-q", state, "-o", box.path("layer") + "/")
            #expect(TreeSnapshot.names(in: box.path("layer/o")) == ["a", "b", "c", "d", "e", "x"])
            for (name, content) in [("b", "text a"), ("d", "text c"), ("x", "text e")] {
                #expect(Host.read(box.path("layer/o/\(name)")) == content)
            }
        }
    }

    // MARK: Ids in attributes

    @Test func `ids in attributes are the container's`() throws {
        try Sandbox.use { box in
            for name in ["upper", "work"] { try box.makeDirectory("state/\(name)") }
            let map = #"[{"containerID": 0, "hostID": 100000, "size": 1000}]"#
            try box.write(
                "state/layers.json",
                """
                {"layers": ["\(Host.base)"], "options": [], "uidMappings": \(map),
                 "gidMappings": \(map)}
                """)
            try box.write("state/upper/file", "x")
            let file = box.path("state/upper/file")
            func number(_ value: UInt32) -> [UInt8] {
                (0..<4).map { UInt8(value >> (8 * $0) & 255) }
            }
            // cap_net_raw+ep of the namespace's root, and read for its user 7 and group 9.
            let flags = number(0x0300_0001)
            let sets = number(1 << 13) + number(0) + number(0) + number(0)
            try set("security.capability", flags + sets + number(100_000), on: file)
            func entry(_ tag: UInt8, _ rights: UInt8, _ id: UInt32) -> [UInt8] {
                [tag, 0, rights, 0] + number(id)
            }
            let none = UInt32.max
            func list(_ user: UInt32, _ group: UInt32) -> [UInt8] {
                number(2) + entry(1, 6, none) + entry(2, 4, user) + entry(4, 4, none)
                    + entry(8, 4, group) + entry(16, 4, none) + entry(32, 4, none)
            }
            try set("system.posix_acl_access", list(100_007, 100_009), on: file)
            try box.succeed("commit", "-q", box.path("state"), "-o", box.path("layer.tar"))
            let bytes = try #require(Host.bytes(box.path("layer.tar")))
            func has(_ name: String, _ value: [UInt8]) -> Bool {
                bytes.firstRange(of: Array("SCHILY.xattr.\(name)=".utf8) + value + [0x0a]) != nil
            }
            #expect(has("security.capability", number(0x0200_0001) + sets))
            #expect(has("system.posix_acl_access", list(7, 9)))
        }
    }
}
