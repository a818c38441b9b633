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

    @Test func `refuses a layer that it cannot write`() throws {
        try Sandbox.use { box in
            try box.writeLayout([("old", nil, [(layer("a"), .gzip)])])
            #expect(try box.unpack("oci:\(box.path("layout")):old").code == 0)
            box.remove("layout")
            let outcome = try pack(box, "layout:new")
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("cannot be written anew yet"), "\(outcome)")
            #expect(!box.exists("layout/index.json"))
        }
    }

    @Test(arguments: [
        ("docker-archive:x", "an image is written to an image layout"),
        ("oci-archive:x", "an image is written to an image layout"),
        ("somewhere", "an image is written to an image layout"),
    ])
    func `goes to image layouts`(_ image: String, _ sentence: String) throws {
        try Sandbox.use { box in
            let outcome = try Running(
                Host.runtime, ["pack", box.path("app"), image]
            ).finish()
            #expect(outcome.code == 1 && outcome.error.contains(sentence), "\(outcome)")
        }
    }
}
