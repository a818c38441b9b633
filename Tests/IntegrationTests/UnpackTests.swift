import Archives
import Glibc
import Testing

@Suite struct `Unpacking a tarball` {
    @Test(arguments: [[], ["-z"], ["--zstd"], ["-J"], ["-j"]])
    func `of a root file system makes a bundle that runs`(_ options: [String]) throws {
        try Sandbox.use { box in
            let tar = try #require(Host.find("tar"))
            let words = ["-C", Host.base] + options + ["-cf", box.path("base.tar"), "."]
            #expect(
                try Running(tar, words, environment: ["PATH=/usr/bin:/bin"]).finish().code == 0)
            let outcome = try box.unpack(box.path("base.tar"))
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            let run = try Running(
                Host.runtime, [box.path("app/config.json"), "--", "cat", "/etc/passwd"]
            ).finish()
            #expect(run.output == Host.read(Host.base + "/etc/passwd"), "\(run)")
            let differences = try Running(
                try #require(Host.find("diff")),
                ["-r", "--no-dereference", Host.base, box.onlyLayer()]
            ).finish()
            #expect(differences.code == 0, "\(differences)")
        }
    }

    @Test func `of a format that takes a program says what is wrong with it`() throws {
        try Sandbox.use { box in
            let xz: [UInt8] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
            let path = try box.writeBytes("rootfs.tar.xz", xz + [UInt8](repeating: 7, count: 500))
            let missing = try Running(
                Host.runtime, ["unpack", path, box.path("app")], environment: ["PATH=/nowhere:bin"]
            ).finish()
            #expect(
                missing.code == 1
                    && missing.error.contains(
                        "\(path): it is compressed by xz, and there is no xz in PATH; install"
                            + " xz-utils, or decompress it first"),
                "\(missing)")
            let damaged = try box.unpack(path)
            #expect(
                damaged.code == 1 && damaged.error.contains("\(path): xz cannot decompress it: "),
                "\(damaged)")
            #expect(!box.exists("app/config.json"))
            #expect(TreeSnapshot.names(in: box.path("app/layers/partial")) == [])
        }
    }

    @Test func `from standard input works, too`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("file", content: "text")
            let outcome = try Running(
                Host.runtime, ["unpack", "-", box.path("app")], input: .bytes(tar.finished)
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(Host.read(try box.onlyLayer() + "/file") == "text")
            #expect(
                try box.onlyLayer().hasSuffix(SHA256.of(tar.finished).hexadecimal),
                "a layer is named by its diff-id")
        }
    }

    @Test func `keeps modes, owners, times, links and devices`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.directory("d", mode: 0o2750)
            tar.add("d/setuid", content: "x", mode: 0o4711, owner: 1234)
            tar.add("d/readonly", content: "y", mode: 0o444)
            tar.link("d/link", to: "/etc/../nowhere")
            tar.add("d/again", "1", link: "d/setuid")
            tar.add("d/fifo", "6", mode: 0o600)
            tar.add("d/null", "3", mode: 0o666, device: (1, 3))
            tar.add("a\nb\"")
            tar.add([0xff, 0xfe, 0x2f, 0xc3], content: [1])
            tar.add("short", pax: [("path", "ümläut/" + String(repeating: "n", count: 255))])
            tar.add("x", content: "z", pax: [("SCHILY.xattr.user.test", "väl\u{1}ue")])
            let outcome = try box.unpack(tar)
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            let layer = try box.onlyLayer()
            func status(_ name: String) throws -> stat {
                var found = stat()
                guard lstat(layer + "/" + name, &found) == 0 else { throw Failure("no \(name)") }
                return found
            }
            #expect(try status("d").st_mode & 0o7777 == 0o2750)
            #expect(try status("d").st_mtim.tv_sec == 1_000_000_000)
            let setuid = try status("d/setuid")
            #expect(setuid.st_mode & 0o7777 == 0o4711 && setuid.st_uid == 1234)
            #expect(setuid.st_gid == 1234 && setuid.st_mtim.tv_sec == 1_000_000_000)
            #expect(try status("d/again").st_ino == setuid.st_ino)
            #expect(try status("d/readonly").st_gid == 0)
            #expect(Host.link(layer + "/d/link") == "/etc/../nowhere")
            #expect(try status("d/fifo").st_mode & S_IFMT == S_IFIFO)
            #expect(try status("d/null").st_rdev == 0x103)
            #expect(try status("a\nb\"").st_size == 0)
            #expect(try status("ümläut/" + String(repeating: "n", count: 255)).st_size == 0)
            #expect(Host.attribute("user.test", of: layer + "/x") == "väl\u{1}ue")
            let names = TreeSnapshot.names(in: layer)
            #expect(names.count == 5, "\(names)")
        }
    }

    @Test func `makes whiteouts what overlayfs has for them`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("dir/.wh.gone")
            tar.directory("opaque")
            tar.add("opaque/.wh..wh..opq")
            tar.add(".wh.replaced")
            tar.add("replaced/file")
            tar.add("kept/file")
            tar.add(".wh.kept")
            tar.add("twice", content: "1")
            tar.add("twice", content: "2")
            tar.add("kind", content: "file")
            tar.add("kind/inside")
            let outcome = try box.unpack(tar)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("lies below \"kind\""), "\(outcome)")
            tar = TarFile()
            for name in ["dir/.wh.gone", "opaque/.wh..wh..opq", ".wh.replaced", "replaced/file"] {
                tar.add(name)
            }
            for name in ["kept/file", ".wh.kept", ".wh..wh.plnk"] { tar.add(name) }
            #expect(try box.unpack(tar).code == 0)
            let layer = try box.onlyLayer()
            var found = stat()
            #expect(lstat(layer + "/dir/gone", &found) == 0)
            #expect(found.st_mode & S_IFMT == S_IFCHR && found.st_rdev == 0)
            for name in ["opaque", "replaced", "kept"] {
                let path = layer + "/" + name
                #expect(Host.attribute("trusted.overlay.opaque", of: path) == "y", "\(name)")
            }
            #expect(Set(TreeSnapshot.names(in: layer)) == ["dir", "opaque", "replaced", "kept"])
        }
    }

    /// What is in each archive, and what is said of it. `CANARY` is a directory of the host.
    static let hostile:
        [(name: String, sentence: String, make: @Sendable (inout TarFile, String) -> Void)] = [
            (
                "..", "has \"..\" in its path",
                { tar, _ in tar.add("../canary/file", content: "bad") }
            ),
            ("a/../..", "has \"..\" in its path", { tar, _ in tar.add("a/../../x") }),
            (
                "a link as parent", "lies below \"link\"",
                { tar, canary in
                    tar.link("link", to: canary)
                    tar.add("link/file", content: "bad")
                }
            ),
            (
                "a link over a directory", "lies below \"d\"",
                { tar, canary in
                    tar.directory("d")
                    tar.link("d", to: canary)
                    tar.add("d/file", content: "bad")
                }
            ),
            (
                "a hard link outside", "which is no file of the same layer",
                { tar, canary in tar.add("x", "1", link: canary + "/file") }
            ),
            (
                "a hard link through a link", "which is no file of the same layer",
                { tar, canary in
                    tar.link("l", to: canary)
                    tar.add("x", "1", link: "l/file")
                }
            ),
            (
                "a hard link upwards", "\"..\"",
                { tar, _ in tar.add("x", "1", link: "../canary/file") }
            ),
            (
                "a hard link to the root", "root of the layer",
                { tar, _ in tar.add("x", "1", link: "/") }
            ),
            (
                "a whiteout through a link", "lies below \"l\"",
                { tar, canary in
                    tar.link("l", to: canary)
                    tar.add("l/.wh.file")
                }
            ),
            (
                "an opaque marker through a link", "lies below \"l\"",
                { tar, canary in
                    tar.link("l", to: canary)
                    tar.add("l/.wh..wh..opq")
                }
            ),
            ("a whiteout of nothing", "names nothing", { tar, _ in tar.add("d/.wh.") }),
            ("a whiteout of .", "names nothing", { tar, _ in tar.add("d/.wh..") }),
            ("a whiteout of ..", "names nothing", { tar, _ in tar.add("d/.wh...") }),
            ("an opaque root", "an overlay cannot say", { tar, _ in tar.add(".wh..wh..opq") }),
            ("a root that is a file", "is no directory", { tar, _ in tar.add(".", content: "x") }),
            (
                "a long name", "a name of 256 bytes",
                { tar, _ in
                    tar.add("x", pax: [("path", String(repeating: "n", count: 256))])
                }
            ),
            (
                "deep nesting", "directories deep",
                { tar, _ in
                    tar.add("x", pax: [("path", String(repeating: "d/", count: 300) + "f")])
                }
            ),
            (
                "a file that ends early", "truncated",
                { tar, _ in tar.add("x", content: "a", size: 9999) }
            ),
        ]

    @Test(arguments: hostile.map(\.name))
    func `that is hostile fails and changes nothing`(_ name: String) throws {
        try Sandbox.use { box in
            box.mayChange = ["app", "layer.tar"]
            let (_, sentence, make) = try #require(Self.hostile.first { $0.name == name })
            var tar = TarFile()
            tar.add("before")
            make(&tar, box.canary)
            try box.makeDirectory("app")
            try box.write("layer.tar", "")
            try box.watchingFiles {
                let outcome = try box.unpack(tar)
                #expect(outcome.code == 1)
                #expect(outcome.error.contains(sentence), "\(outcome)")
                #expect(outcome.error.split(separator: "\n").count == 1)
            }
            #expect(TreeSnapshot.names(in: box.path("app/layers/sha256")) == [])
            #expect(TreeSnapshot.names(in: box.path("app/layers/partial")) == [])
            #expect(!box.exists("app/config.json"))
        }
    }

    @Test func `that fails leaves no bundle that was not there`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("x", content: "a", size: 9999)
            #expect(try box.unpack(tar).code == 1)
            #expect(!box.exists("app"))
            let missing = try box.command("unpack", box.path("none.tar"), box.path("app"))
            #expect(missing.code == 1, "\(missing)")
            #expect(!box.exists("app"))
        }
    }

    @Test func `takes absolute names as names in the layer, and the last of two`() throws {
        try Sandbox.use { box in
            box.mayChange = ["app", "layer.tar"]
            var tar = TarFile()
            tar.add(box.canary + "/file", content: "inside")
            tar.link("l", to: box.canary)
            tar.add("l", content: "a file now")
            tar.add("/./twice", content: "1")
            tar.add("twice", content: "2")
            tar.add("tree/a/b", content: "1")
            tar.add("tree", content: "a file")
            tar.add(
                "forged",
                pax: [
                    ("SCHILY.xattr.trusted.overlay.redirect", "/etc"),
                    ("SCHILY.xattr.user.kept", "1"),
                ])
            try box.write("layer.tar", "")
            try box.makeDirectory("app")
            let outcome = try box.watchingFiles { try box.unpack(tar) }
            #expect(outcome.code == 0)
            #expect(outcome.error.contains("attributes of overlayfs and of vfs-run are left out"))
            let layer = try box.onlyLayer()
            #expect(Host.read(layer + box.canary + "/file") == "inside")
            #expect(Host.read(layer + "/l") == "a file now")
            #expect(Host.read(layer + "/twice") == "2")
            #expect(Host.read(layer + "/tree") == "a file")
            #expect(Host.attribute("user.kept", of: layer + "/forged") == "1")
            #expect(Host.attribute("trusted.overlay.redirect", of: layer + "/forged") == nil)
        }
    }

    @Test func `of more than the limits is refused`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("a", content: String(repeating: "x", count: 6000))
            tar.add("b", content: String(repeating: "x", count: 6000))
            let size = try box.unpack(tar, ["--max-size", "10K"])
            #expect(size.error.contains("--max-size"), "\(size)")
            let entries = try box.unpack(tar, ["--max-entries", "1"])
            #expect(entries.error.contains("--max-entries"), "\(entries)")
            tar = TarFile()
            // Eight exabytes of hole in a file of GNU's first sparse format.
            tar.add(
                "sparse",
                pax: [
                    ("GNU.sparse.size", "8000000000000000000"), ("GNU.sparse.numblocks", "0"),
                    ("GNU.sparse.map", ""),
                ])
            let sparse = try box.unpack(tar)
            #expect(sparse.code == 1 && sparse.error.contains("--max-size"), "\(sparse)")
            #expect(!box.exists("app/config.json"))
        }
    }

    /// Members of gzip that follow each other are one stream: 4 GiB of zeros in 4 MB.
    @Test func `of a few bytes that decompress to gigabytes ends at once`() throws {
        try Sandbox.use { box in
            let member = try TestBlob.compressed([UInt8](repeating: 0, count: 64 << 20), .gzip)
            var file = TarFile()
            file.add("file")
            let zeros = Array(repeatElement(member, count: 64).joined())
            let bomb = try box.writeBytes(
                "bomb.tar.gz", try TestBlob.compressed(file.finished, .gzip) + zeros)
            for (image, options, words) in [
                (bomb, [], "16 MiB follow the end of the archive"),
                (bomb, ["--max-size", "1M"], "--max-size"),
                ("docker-archive:\(bomb)", ["--max-size", "1M"], "--max-size"),
            ] as [(String, [String], String)] {
                let outcome = try Running(
                    Host.runtime, ["unpack"] + options + [image, box.path("app")]
                ).finish(seconds: 3)
                #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
                #expect(!box.exists("app"))
            }
            // Headers are no content, and count all the same: each of these has half a megabyte of pax.
            var tar = TarFile()
            for number in 0..<40 {
                tar.add("\(number)", pax: [("comment", String(repeating: "x", count: 500_000))])
            }
            let packed = try TestBlob.compressed(tar.finished, .gzip)
            let headers = try box.unpack(
                try box.writeBytes("headers.tar.gz", packed), ["--max-size", "1M"])
            #expect(headers.code == 1 && headers.error.contains("--max-size"), "\(headers)")
        }
    }

    /// The end of the file that it names is behind the last number.
    @Test func `of a saved image with a file of an impossible size is refused`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("manifest.json", pax: [("size", "9223372036854775296")])
            let image = try box.writeBytes("saved.tar", tar.finished)
            let outcome = try box.unpack("docker-archive:\(image)")
            #expect(
                outcome.code == 1 && outcome.error.contains("\"manifest.json\" in it has a size"),
                "\(outcome)")
        }
    }

    @Test func `that was interrupted is picked up`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("file", content: "text")
            mkfifo(box.path("fifo"), 0o600)
            let run = try Running(Host.runtime, ["unpack", box.path("fifo"), box.path("app")])
            let fifo = open(box.path("fifo"), O_WRONLY | O_CLOEXEC)
            defer { close(fifo) }
            // More than what lies between them: once it is taken, the first file is written.
            tar.add("large", content: String(repeating: "x", count: 16 << 20))
            #expect(Glibc.write(fifo, tar.bytes, tar.bytes.count) == tar.bytes.count)
            kill(run.pid, SIGKILL)
            _ = try run.finish()
            #expect(box.exists("app/layers/partial/layer/file"))
            #expect(!box.exists("app/config.json"))
            #expect(TreeSnapshot.names(in: box.path("app/layers/sha256")) == [])
            #expect(try box.unpack(tar).code == 0)
            #expect(TreeSnapshot.names(in: box.path("app/layers/partial")) == [])
            #expect(Host.read(try box.onlyLayer() + "/file") == "text")
            let again = try box.unpack(tar)
            #expect(again.error.contains("config.json exists; remove it first"))
        }
    }

    @Test func `that takes longer than a second says on a terminal how far it is`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("large", content: "", size: 4 << 30)
            try box.writeBytes("head", Array(tar.bytes.prefix(512)))
            try box.writeBytes("piece", [UInt8](repeating: 7, count: 64 << 10))
            mkfifo(box.path("fifo"), 0o600)
            let terminal = try PseudoTerminal()
            let run = try Running(
                Host.runtime, ["unpack", box.path("fifo"), box.path("app")],
                input: .terminal(terminal.name))
            // As fast as a shell makes processes: a megabyte in some milliseconds.
            let feeder = try Running(
                try #require(Host.find("sh")),
                ["-c", "{ cat head; while cat piece; do :; done; } > fifo"],
                environment: ["PATH=/usr/bin:/bin"], directory: box.directory)
            try terminal.waitFor("fifo: ")
            try terminal.waitFor(" MiB")
            feeder.send(SIGKILL)
            _ = try feeder.finish()
            try terminal.waitFor("truncated")
            #expect(try run.finish().code == 1)
            #expect(TreeSnapshot.names(in: box.path("app/layers/partial")) == [])
        }
    }

    @Test func `as an ordinary user makes everything the user's own`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.directory("closed", mode: 0)
            tar.add("closed/file", content: "x", mode: 0o4711, owner: 7)
            tar.add("null", "3", device: (1, 3))
            tar.add(".wh.gone")
            tar.add("opaque/.wh..wh..opq")
            try box.writeBytes("layer.tar", tar.finished)
            try box.makeDirectory("users", mode: 0o777)
            // Where the program lies may be closed to others.
            try box.copy(Host.runtime, to: "runtime")
            let words = [
                "--reuid=1000", "--regid=1000", "--clear-groups", box.path("runtime"), "unpack",
            ]
            let outcome = try Running(
                try #require(Host.find("setpriv")),
                words + [box.path("layer.tar"), box.path("users/app")]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.error.contains("devices are left out"))
            let layer = "users/app/layers/sha256/\(SHA256.of(tar.finished).hexadecimal)"
            #expect(TreeSnapshot.names(in: box.path(layer)) == ["closed", "gone", "opaque"])
            var status = stat()
            #expect(lstat(box.path(layer + "/closed"), &status) == 0)
            #expect(status.st_mode & 0o7777 == 0 && status.st_uid == 1000)
            #expect(lstat(box.path(layer + "/closed/file"), &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o4711 && status.st_uid == 1000)
            #expect(lstat(box.path(layer + "/gone"), &status) == 0 && status.st_mode == S_IFCHR)
            #expect(Host.attribute("user.overlay.opaque", of: box.path(layer + "/opaque")) == "y")
        }
    }

    @Test(arguments: [
        ("docker://alpine", "skopeo copy docker://alpine oci:DIR:TAG"),
        ("/nowhere.tar", "no such file or directory"), ("/etc", "is a directory"),
        ("/etc/passwd", "unrecognized archive format; a tar archive is expected"),
        ("oci:", "a path is missing"), ("oci:/etc", "is it an OCI image layout?"),
        ("oci-archive:/etc/passwd", "unrecognized archive format"),
    ])
    func `of what is no image says why`(_ image: String, _ sentence: String) throws {
        try Sandbox.use { box in
            let outcome = try box.unpack(image)
            #expect(outcome.code == 1)
            #expect(outcome.error.contains(sentence), "\(outcome)")
        }
    }
}
