import Archives
import Glibc
import Testing

@Suite struct `Packing a bundle` {
    private func pack(_ box: Sandbox, _ image: String, _ options: [String] = []) throws -> Outcome {
        try Running(
            Host.runtime, ["pack"] + options + [box.path("app"), "oci:" + box.path(image)]
        ).finish()
    }

    private func layer(_ name: String) -> [UInt8] {
        var tar = TarFile()
        tar.add(name, content: name)
        return tar.finished
    }

    @Test func `gives back the layers as they came`() throws {
        try Sandbox.use { box in
            let layers = [(layer("a"), Compression.gzip), (layer("b"), .zstd)]
            try box.writeLayout(
                [("old", nil, layers)],
                config: #"{"User": "7", "Entrypoint": ["/a"], "Cmd": ["b"], "Labels": {"l": "1"}}"#)
            #expect(try box.unpack("oci:\(box.path("layout")):old").code == 0)
            for target in ["layout", "other"] {
                let outcome = try pack(box, "\(target):new")
                #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
                box.remove("app2")
                let again = try Running(
                    Host.runtime, ["unpack", "oci:\(box.path(target)):new", box.path("app2")]
                ).finish()
                #expect(again.code == 0, "\(again)")
                #expect(
                    TreeSnapshot.names(in: box.path("app2/layers/sha256"))
                        == layers.map { SHA256.of($0.0).hexadecimal }.sorted())
                let one = try Value(parsing: box.read("app/config.json"))
                let other = try Value(parsing: box.read("app2/config.json"))
                #expect(one["process"] == other["process"])
                #expect(other["annotations"]["l"] == "1")
                #expect(one["vfs"] == other["vfs"])
            }
            #expect(box.read("layout/index.json").contains("\"old\""))
        }
    }

    @Test func `writes a layer of one's own, whiteouts and all`() throws {
        try Sandbox.use { box in
            try box.writeLayout([("old", nil, [(layer("a"), .gzip)])])
            #expect(try box.unpack("oci:\(box.path("layout")):old").code == 0)
            try box.write("app/own/new", "text")
            try box.makeDirectory("app/own/opaque")
            #expect(mknod(box.path("app/own/a"), S_IFCHR, 0) == 0)
            var config = try Value(parsing: box.read("app/config.json"))
            let layers = config["vfs"]["overlay"]["layers"].array ?? []
            config["vfs"]["overlay"]["layers"] = .array(layers + ["own"])
            config["process"]["args"] = ["/new"]
            try box.write("app/config.json", config.prettyText)
            let outcome = try pack(box, "layout:new", ["--compression", "zstd"])
            #expect(outcome.code == 0, "\(outcome)")
            let umoci = try #require(Host.find("umoci"))
            box.remove("app")
            #expect(try box.unpack("oci:\(box.path("layout")):new").code == 0)
            let unpacked = try Value(parsing: box.read("app/config.json"))
            #expect(unpacked["process"]["args"] == ["/new"])
            let paths = (unpacked["vfs"]["overlay"]["layers"].array ?? []).compactMap(\.string)
            #expect(paths.count == 2 && paths.first == layers.first?.string)
            let top = try #require(paths.last)
            #expect(box.read("app/\(top)/new") == "text")
            var status = stat()
            #expect(lstat(box.path("app/\(top)/a"), &status) == 0 && status.st_mode == S_IFCHR)
            let checked = try Running(
                umoci, ["stat", "--image", box.path("layout:new")],
                environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(checked.code == 0 && checked.output.contains("vfs-run pack"), "\(checked)")
        }
    }

    @Test(arguments: ["oci-archive", "docker-archive"])
    func `goes to an archive, which may be compressed`(_ kind: String) throws {
        try Sandbox.use { box in
            let layers = [(layer("a"), Compression.gzip), (layer("b"), .zstd)]
            try box.writeLayout([("old", nil, layers)], config: #"{"Cmd": ["/a"]}"#)
            #expect(try box.unpack("oci:\(box.path("layout")):old").code == 0)
            let file = box.path("image.tar")
            let outcome = try Running(
                Host.runtime, ["pack", box.path("app"), "\(kind):\(file):name"]
            ).finish()
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            #expect(!box.exists(".image.tar.partial"))
            let skopeo = try Running(
                try #require(Host.find("skopeo")), ["inspect", "--config", "\(kind):\(file)"],
                environment: ["PATH=/usr/bin:/bin", "HOME=\(box.path("home"))"]
            ).finish()
            #expect(skopeo.output.contains(SHA256.of(layers[0].0).hexadecimal), "\(skopeo)")
            // What is compressed, or comes through a pipe, is written down first.
            for (program, image) in [
                ("gzip -c \(file) > \(file).gz", "\(file).gz"),
                ("zstd -c \(file) > \(file).zst", "\(file).zst"),
                ("xz -c \(file) > \(file).xz", "\(file).xz"),
                ("true", file), ("cat \(file)", "-"),
            ] {
                box.remove("app")
                let words = "\(Host.runtime) unpack \(kind):\(image):name \(box.path("app"))"
                let again = try Running(
                    try #require(Host.find("sh")),
                    ["-c", image == "-" ? "\(program) | \(words)" : "\(program) && \(words)"],
                    environment: ["PATH=/usr/bin:/bin"]
                ).finish()
                #expect(again.code == 0 && again.error == "", "\(image): \(again)")
                #expect(
                    TreeSnapshot.names(in: box.path("app/layers/sha256"))
                        == layers.map { SHA256.of($0.0).hexadecimal }.sorted())
                let config = try Value(parsing: box.read("app/config.json"))
                #expect(config["process"]["args"] == ["/a"])
            }
        }
    }

    @Test(arguments: [
        ("oci:x@sha256:\(String(repeating: "0", count: 64))", "unsupported output; use oci:DIR"),
        ("somewhere", "unsupported output; use oci:DIR[:TAG], oci-archive:FILE[:TAG] or"),
        ("docker:x", "images are taken from files alone"),
    ])
    func `goes nowhere else`(_ image: String, _ sentence: String) throws {
        try Sandbox.use { box in
            let outcome = try Running(
                Host.runtime, ["pack", box.path("app"), image]
            ).finish()
            #expect(outcome.code == 1 && outcome.error.contains(sentence), "\(outcome)")
        }
    }
}
