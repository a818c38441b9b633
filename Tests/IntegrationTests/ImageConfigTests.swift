import Archives
import Glibc
import JSON
import Testing

/// What becomes of an image's config in a bundle, and back.
struct ImageConfigTests {
    private func layout(
        _ box: Sandbox, _ config: String, _ fill: (inout TarFile) -> Void = { _ in }
    ) throws -> Outcome {
        var tar = TarFile()
        tar.add("file", content: "x")
        fill(&tar)
        try box.writeLayout([("t", nil, [(tar.finished, .gzip)])], config: config)
        return try box.unpack("oci:\(box.path("layout")):t")
    }

    private func config(_ box: Sandbox) throws -> Value {
        try Value(parsing: box.read("app/config.json"))
    }

    @Test func `volumes are what the image has there, and nothing of the kernel's`() throws {
        try Sandbox.use { box in
            let names = [
                "/", "/proc", "/proc/sys", "/sys", "/sys/kernel", "/dev", "/../sys", "/x", "/y/z",
                "/file", "/loop/a", "/data", "data/", "/closed", "/missing/here",
            ]
            let volumes = names.map { "\"\($0)\": {}" }.joined(separator: ",")
            let outcome = try layout(box, #"{"Volumes": {\#(volumes)}}"#) { tar in
                tar.link("x", to: "/sys")
                tar.link("y", to: "data")
                tar.link("loop", to: "/loop")
                tar.directory("data", mode: 0o1777)
                tar.add("closed", "5", mode: 0o2750, owner: 33)
                tar.directory("data/z", mode: 0o700)
            }
            #expect(outcome.code == 0, "\(outcome)")
            let mounts = try config(box)["mounts"].array ?? []
            let found = mounts.filter { $0["source"] == "volume" }
            #expect(
                found.compactMap { $0["destination"].string } == [
                    "/closed", "/data", "/data/z", "/missing/here",
                ])
            for name in names.prefix(8) + ["/file", "/loop/a"] {
                #expect(outcome.error.contains("the volume \"\(name)\" is left out"), "\(name)")
            }
            // As the image has them, when they are mounted.
            try box.write("bundle/x", "")
            var run = box.config()
            run["mounts"] = .array((run["mounts"].array ?? []) + found)
            run["vfs"]["overlay"]["layers"].append(.string(try box.onlyLayer()))
            let seen = try box.run(
                run,
                arguments: [
                    "busybox", "stat", "-c", "%n %a %u:%g", "/closed", "/data", "/data/z",
                    "/missing/here",
                ])
            #expect(
                seen.output == """
                    /closed 2750 33:33
                    /data 1777 0:0
                    /data/z 700 0:0
                    /missing/here 755 0:0

                    """, "\(seen)")
        }
    }

    @Test func `thousands of volumes are refused`() throws {
        try Sandbox.use { box in
            let volumes = (0..<250_000).map { "\"/\($0)\":{}" }.joined(separator: ",")
            let outcome = try layout(box, #"{"Volumes": {\#(volumes)}}"#)
            #expect(
                outcome.code == 1
                    && outcome.error.contains(
                        "config.Volumes has 250000 elements; 2000 are the most"),
                "\(outcome)")
            #expect(!box.exists("app/config.json"))
        }
    }

    @Test func `labels that would be properties and variables that are none are left out`() throws {
        try Sandbox.use { box in
            let outcome = try layout(
                box,
                #"""
                {"Labels": {"org.systemd.property.MemoryMax": "1", "mine": "2",
                            "org.criu.config": "/x"},
                 "Env": ["A=1", "broken", "=x", "B="]}
                """#)
            #expect(
                outcome.code == 0 && outcome.error.contains("org.systemd.property.MemoryMax")
                    && outcome.error.contains("\"broken\" is left out"), "\(outcome)")
            let config = try config(box)
            #expect(config["annotations"]["mine"] == "2")
            #expect(!config.text.contains("org.systemd.property"))
            #expect(!config.text.contains("org.criu.config"))
            let variables = (config["process"]["env"].array ?? []).compactMap(\.string)
            #expect(variables.suffix(2) == ["A=1", "B="])
            #expect(variables.allSatisfy { $0.contains("=") && !$0.hasPrefix("=") })
            try box.succeed("plan", box.path("app/config.json"))
        }
    }

    @Test func `a user is found behind a link of the image, and in a short line`() throws {
        try Sandbox.use { box in
            let outcome = try layout(box, #"{"User": "web"}"#) { tar in
                tar.link("etc", to: "/usr/etc")
                tar.link("usr/etc/passwd", to: "../share/./passwd")
                tar.add(
                    "usr/share/passwd", content: "root:x:0:0:root:/root\nweb:x:12:34:Web:/web\n")
            }
            #expect(outcome.code == 0, "\(outcome)")
            let user = try config(box)["process"]["user"]
            #expect(user["uid"].integer == 12 && user["gid"].integer == 34)
        }
    }

    @Test func `a layer of no bytes is an empty layer, and no root file system`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.add("file")
            try box.writeLayout([("t", nil, [(tar.finished, .gzip), ([], .none), ([], .gzip)])])
            let outcome = try box.unpack("oci:\(box.path("layout")):t")
            #expect(outcome.code == 0, "\(outcome)")
            box.remove("app")
            let empty = try box.unpack(try box.writeBytes("empty.tar", []))
            #expect(empty.code == 1 && empty.error.contains("it holds no file"), "\(empty)")
        }
    }

    @Test func `an image without a tag is named by its place`() throws {
        try Sandbox.use { box in
            var one = TarFile()
            one.add("one")
            var other = TarFile()
            other.add("other")
            try box.writeLayout([
                ("t", nil, [(one.finished, .none)]), (nil, nil, [(other.finished, .none)]),
            ])
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(
                outcome.code == 1 && outcome.error.contains("behind a colon: \"t\", @1"),
                "\(outcome)")
            #expect(try box.unpack("oci:\(box.path("layout")):@1").code == 0)
            #expect(try TreeSnapshot.names(in: box.onlyLayer()) == ["other"])
            box.remove("app")
            #expect(try box.unpack("oci:\(box.path("layout")):@2").code == 1)
        }
    }

    @Test func `of several variants the one that this machine runs is taken`() throws {
        try Sandbox.use { box in
            var tars: [[UInt8]] = []
            for name in ["new", "plain"] {
                var tar = TarFile()
                tar.add(name)
                tars.append(tar.finished)
            }
            let own = TestBlob.architecture
            try box.writeLayout([
                ("t", own, [(tars[0], .none)]), ("t", own, [(tars[1], .none)]),
            ])
            var index = try box.read("layout/index.json")
            let place = try #require(index.firstRange(of: #""architecture": "\#(own)"}"#))
            index.replaceSubrange(place, with: #""architecture": "\#(own)", "variant": "v9"}"#)
            try box.write("layout/index.json", index)
            #expect(try box.unpack("oci:\(box.path("layout")):t").code == 0)
            #expect(try TreeSnapshot.names(in: box.onlyLayer()) == ["plain"])
        }
    }

    @Test func `what an image does not say is not said when it is packed`() throws {
        try Sandbox.use { box in
            #expect(try layout(box, #"{"Env": ["A=1"]}"#).code == 0)
            let target = "oci:" + box.path("image") + ":t"
            for _ in 0..<2 {
                let outcome = try Running(
                    Host.runtime, ["pack", "-q", box.path("app"), target],
                    environment: ["SOURCE_DATE_EPOCH=86400"]
                ).finish()
                #expect(outcome.code == 0, "\(outcome)")
            }
            // Twice the same: one manifest.
            let index = try Value(parsing: box.read("image/index.json"))
            #expect(index["manifests"].array?.count == 1)
            #expect(TreeSnapshot.names(in: box.path("image/blobs/sha256")).count == 3)
            var packed = Value.null
            for name in TreeSnapshot.names(in: box.path("image/blobs/sha256")) {
                guard let document = try? Value(parsing: box.read("image/blobs/sha256/\(name)")),
                    document["rootfs"]["type"] == "layers"
                else { continue }
                packed = document
            }
            #expect(packed["created"] == "1970-01-02T00:00:00.000000000Z")
            #expect(packed["config"]["Env"] == Value(["A=1"]), "\(packed.text)")
            let members = packed["config"].text
            #expect(!members.contains("Entrypoint") && !members.contains("TERM"), "\(members)")
        }
    }

    @Test func `an ordinary user unpacks attributes of what may only be read`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var tar = TarFile()
            tar.add("file", content: "x", mode: 0o444, pax: [("SCHILY.xattr.user.test", "v")])
            tar.add("pipe", "6", mode: 0o600, pax: [("SCHILY.xattr.user.test", "v")])
            tar.add("link", "2", link: "file", pax: [("SCHILY.xattr.user.test", "v")])
            let path = try box.writeBytes("layer.tar", tar.finished)
            let outcome = try box.startOrdinary(["unpack", path, box.path("keep/app")]).finish()
            #expect(
                outcome.code == 0
                    && outcome.error.contains("cannot be set on a file of its kind"), "\(outcome)")
            let store = box.path("keep/app/layers/sha256")
            let layer = try store + "/" + #require(TreeSnapshot.names(in: store).first)
            #expect(Host.attribute("user.test", of: layer + "/file") == "v")
            var found = stat()
            #expect(lstat(layer + "/file", &found) == 0 && found.st_mode & 0o7777 == 0o444)
            // As root too: the kernel has no user.* attributes on such files.
            #expect(try box.unpack(tar).code == 0)
        }
    }
}
