import Archives
import Glibc
import Testing

@Suite struct `Unpacking an image` {
    private func layer(_ files: [(String, String)]) -> [UInt8] {
        var tar = TarFile()
        for (name, content) in files { tar.add(name, content: content) }
        return tar.finished
    }

    @Test func `takes layers of every compression and the config of the tag`() throws {
        try Sandbox.use { box in
            let layers = Compression.allCases.map { (layer([("\($0)", "\($0)")]), $0) }
            try box.writeLayout(
                [("old", nil, [layers[0]]), ("new", nil, layers)],
                config: """
                    {"User": "7:8", "Env": ["A=b", "PATH=/x"], "Entrypoint": ["/probe"],
                     "Cmd": ["1", "2"], "WorkingDir": "/srv", "Volumes": {"/data": {}},
                     "Labels": {"one": "1", "org.opencontainers.image.os": "mine"},
                     "StopSignal": "SIGINT", "ExposedPorts": {"80/tcp": {}}}
                    """)
            let outcome = try box.unpack("oci:\(box.path("layout")):new")
            #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
            let config = try Value(parsing: box.read("app/config.json"))
            #expect(
                config["vfs"]["overlay"]["layers"]
                    == Value(
                        layers.map { "layers/sha256/\(SHA256.of($0.0).hexadecimal)" }))
            for (index, compression) in Compression.allCases.enumerated() {
                let path =
                    "app/layers/sha256/\(SHA256.of(layers[index].0).hexadecimal)/\(compression)"
                #expect(box.read(path) == "\(compression)")
            }
            let process = config["process"]
            #expect(process["args"] == Value(["/probe", "1", "2"]))
            #expect(process["env"] == Value(["TERM=xterm", "A=b", "PATH=/x"]))
            #expect(process["cwd"] == "/srv")
            #expect(process["user"]["uid"] == 7 && process["user"]["gid"] == 8)
            #expect(config["annotations"]["one"] == "1")
            #expect(config["annotations"]["org.opencontainers.image.os"] == "mine")
            #expect(config["annotations"]["org.opencontainers.image.stopSignal"] == "SIGINT")
            #expect(config["annotations"]["org.opencontainers.image.exposedPorts"] == "80/tcp")
            #expect(box.read("app/config.json").contains(#""destination": "/data""#))
        }
    }

    @Test func `takes the platform of this machine, or the one that is asked for`() throws {
        try Sandbox.use { box in
            let own = layer([("own", "")])
            let other = layer([("other", "")])
            try box.writeLayout([
                ("t", "s390x", [(other, .gzip)]), ("t", TestBlob.architecture, [(own, .gzip)]),
            ])
            #expect(try box.unpack("oci:\(box.path("layout")):t").code == 0)
            #expect(TreeSnapshot.names(in: try box.onlyLayer()) == ["own"])
            box.remove("app")
            let options = ["--platform", "linux/s390x"]
            #expect(try box.unpack("oci:\(box.path("layout")):t", options).code == 0)
            #expect(TreeSnapshot.names(in: try box.onlyLayer()) == ["other"])
            box.remove("app")
            let none = try box.unpack(
                "oci:\(box.path("layout")):t", ["--platform", "linux/mips"])
            #expect(none.error.contains("there is no image for linux/mips; there are linux/s390x"))
            let unknown = try box.unpack("oci:\(box.path("layout")):nope")
            #expect(unknown.error.contains("there is no image \"nope\"; there are \"t\""))
        }
    }

    @Test func `shares layers through a store`() throws {
        try Sandbox.use { box in
            let bottom = layer([("bottom", "1")])
            try box.writeLayout([
                ("one", nil, [(bottom, .gzip)]),
                ("two", nil, [(bottom, .gzip), (layer([("top", "2")]), .zstd)]),
            ])
            let words = ["unpack", "--store", box.path("store")]
            let image = "oci:\(box.path("layout"))"
            let first = try Running(Host.runtime, words + [image + ":one", box.path("one")])
                .finish()
            #expect(first.code == 0, "\(first)")
            let path = "store/sha256/\(SHA256.of(bottom).hexadecimal)/bottom"
            let before = TreeSnapshot(box.path(path))
            let second = try Running(Host.runtime, words + [image + ":two", box.path("two")])
                .finish()
            #expect(second.code == 0, "\(second)")
            #expect(before.differences(to: TreeSnapshot(box.path(path)), except: []) == [])
            #expect(TreeSnapshot.names(in: box.path("store/sha256")).count == 2)
            #expect(box.read("two/config.json").contains("\"\(box.path("store"))/sha256/"))
        }
    }

    /// What is done to a good layout, and what is said of it.
    static let damages:
        [(name: String, sentence: String, harm: @Sendable (Sandbox) throws -> Void)] = [
            (
                "a layer was changed", "the gzip data is ",
                { box in
                    try box.change(blobWith: [0x1f, 0x8b]) { $0[$0.count - 9] ^= 1 }
                }
            ),
            (
                "a layer was compressed anew", "it is damaged or was changed",
                // The time in gzip's header.
                { box in try box.change(blobWith: [0x1f, 0x8b]) { $0[4] ^= 1 } }
            ),
            (
                "a layer is shorter", "and the manifest says",
                { box in try box.change(blobWith: [0x1f, 0x8b]) { $0.removeLast() } }
            ),
            (
                "the manifest was changed", "its digest differs from its name",
                { box in
                    try box.change(blobWith: Array(#"{"schemaVersion"#.utf8)) { $0.append(0x20) }
                }
            ),
            (
                "a digest leads elsewhere", "is not sha256: and 64",
                { box in
                    try box.write(
                        "layout/index.json",
                        #"{"manifests": [{"mediaType": "x", "size": 3, "digest": "sha256:../../../etc/passwd"}]}"#
                    )
                }
            ),
            (
                "a manifest is an index, too", "a manifest and an index at once",
                { box in
                    let type = "application/vnd.oci.image.manifest.v1+json"
                    let blob = try box.writeBlob(
                        Array(#"{"config": {}, "layers": [], "manifests": []}"#.utf8), type)
                    try box.write("layout/index.json", #"{"manifests": [\#(blob)]}"#)
                }
            ),
            (
                "a key stands twice", "duplicate key",
                { box in try box.write("layout/index.json", #"{"manifests": [], "manifests": []}"#)
                }
            ),
            (
                "a document is huge", "larger than 4 MiB",
                { box in
                    try box.write("layout/index.json", String(repeating: " ", count: 5 << 20))
                }
            ),
            (
                "a blob is a link out of the layout", "no such file or directory",
                { box in
                    box.remove("layout/index.json")
                    try box.link("layout/index.json", to: box.canary + "/file")
                }
            ),
            (
                "a document is a fifo", "invalid argument",
                { box in
                    box.remove("layout/index.json")
                    mkfifo(box.path("layout/index.json"), 0o600)
                }
            ),
        ]

    @Test(arguments: damages.map(\.name))
    func `fails when`(_ name: String) throws {
        try Sandbox.use { box in
            let (_, sentence, harm) = try #require(Self.damages.first { $0.name == name })
            try box.writeLayout([(nil, nil, [(layer([("file", "1")]), .gzip)])])
            try harm(box)
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(outcome.code == 1)
            #expect(outcome.error.contains(sentence), "\(outcome)")
            #expect(!box.exists("app/config.json"))
            #expect(TreeSnapshot.names(in: box.path("app/layers/sha256")) == [])
        }
    }

    @Test func `with content that is not the diff-id's leaves no layer`() throws {
        try Sandbox.use { box in
            let bytes = layer([("file", "1")])
            try box.writeLayout([(nil, nil, [(bytes, .gzip)])])
            let wrong = String(repeating: "a", count: 64)
            try box.replaceInConfig(SHA256.of(bytes).hexadecimal, with: wrong)
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(
                outcome.error.contains("unpacked its digest is \(SHA256.of(bytes))"), "\(outcome)")
            #expect(TreeSnapshot.names(in: box.path("app/layers/sha256")) == [])
            #expect(TreeSnapshot.names(in: box.path("app/layers/partial")) == [])
        }
    }

    @Test func `looks its user up in the layers together`() throws {
        try Sandbox.use { box in
            let bottom = layer([
                ("etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:5:6::/:/bin/sh\n"),
                ("etc/group", "root:x:0:\ngrp:x:77:web,x\nweb:x:6:\n"),
            ])
            let top = layer([("etc/other", "")])
            try box.writeLayout(
                [(nil, nil, [(bottom, .gzip), (top, .none)])], config: #"{"User": "web"}"#)
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(outcome.code == 0, "\(outcome)")
            let user = try Value(parsing: box.read("app/config.json"))["process"]["user"]
            #expect(user["uid"] == 5 && user["gid"] == 6)
            #expect(user["additionalGids"] == [77])
        }
    }

    @Test func `with more volumes than any image has is refused`() throws {
        try Sandbox.use { box in
            let volumes = (0..<3000).map { "\"/v/\($0)\": {}" }.joined(separator: ", ")
            try box.writeLayout(
                [(nil, nil, [(TarFile().finished, .gzip)])],
                config: "{\"Volumes\": {\(volumes)}}")
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(
                outcome.code == 1
                    && outcome.error.contains("config.Volumes has 3000 elements; 2000 are the most"),
                "\(outcome)")
        }
    }

    @Test func `does not read a passwd that leads elsewhere`() throws {
        try Sandbox.use { box in
            var tar = TarFile()
            tar.directory("etc")
            tar.link("etc/passwd", to: "/etc/passwd")
            try box.writeLayout(
                [(nil, nil, [(tar.finished, .gzip)])], config: #"{"User": "daemon"}"#)
            let outcome = try box.unpack("oci:\(box.path("layout"))")
            #expect(outcome.error.contains("the image's user is \"daemon\""), "\(outcome)")
        }
    }

    @Test func `gives the tree that umoci gives`() throws {
        try Sandbox.use { box in
            var bottom = TarFile()
            bottom.directory("dir", mode: 0o1777)
            bottom.add("dir/gone", content: "1")
            bottom.add("dir/kept", content: "2", mode: 0o4755, owner: 33)
            bottom.add("opaque/gone", content: "3")
            bottom.link("link", to: "dir/kept")
            bottom.add("hard", "1", link: "dir/kept")
            bottom.add("ümläut\n", content: "4")
            var top = TarFile()
            top.directory("dir", mode: 0o1777)
            top.add("dir/.wh.gone")
            top.add("opaque/.wh..wh..opq")
            top.add("opaque/new", content: "5")
            top.directory("link")
            top.add("hard", content: "6")
            try box.writeLayout([
                ("t", nil, [(bottom.finished, .gzip), (top.finished, .gzip)])
            ])
            let umoci = try #require(Host.find("umoci"))
            let theirs = try Running(
                umoci, ["unpack", "--image", box.path("layout:t"), box.path("umoci")],
                environment: ["PATH=/usr/bin:/bin"]
            ).finish()
            #expect(theirs.code == 0, "\(theirs)")
            let outcome = try box.unpack("oci:\(box.path("layout")):t")
            #expect(outcome.code == 0, "\(outcome)")
            try box.makeDirectory("merged")
            let layers = try Value(parsing: box.read("app/config.json"))["vfs"]["overlay"]["layers"]
            let paths = (layers.array ?? []).compactMap(\.string).map { box.path("app/" + $0) }
            // In a mount namespace that goes with the shell.
            let script = """
                mount -t overlay overlay -o lowerdir=\(paths.reversed().joined(separator: ":")) \
                \(box.path("merged")) || exit
                for tree in \(box.path("merged")) \(box.path("umoci/rootfs")); do
                    cd $tree && find . -mindepth 1 -printf '%p %y %m %U:%G %l %s\\n' | sort
                    echo --
                done
                diff -r --no-dereference \(box.path("merged")) \(box.path("umoci/rootfs"))
                """
            let compared = try Running(
                try #require(Host.find("unshare")), ["-m", "sh", "-c", script],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            ).finish()
            #expect(compared.code == 0, "\(compared)")
            // Sizes of directories are the file system's business.
            let lists = compared.output.split(separator: "--\n").map {
                $0.split(separator: "\n").map { line in
                    line.contains(" d ")
                        ? line.split(separator: " ").dropLast().joined() : "\(line)"
                }
            }
            #expect(lists.count == 2 && lists[0] == lists[1], "\(compared)")
        }
    }
}

extension Sandbox {
    func remove(_ name: String) {
        _ = try? Running(Host.find("rm") ?? "", ["-rf", path(name)]).finish()
    }

    /// Changes the first blob of the layout that starts with `start`.
    fileprivate func change(
        blobWith start: [UInt8], _ change: (inout [UInt8]) -> Void
    ) throws {
        for name in TreeSnapshot.names(in: path("layout/blobs/sha256")) {
            let file = "layout/blobs/sha256/\(name)"
            guard var bytes = Host.bytes(path(file)), bytes.starts(with: start) else { continue }
            change(&bytes)
            try writeBytes(file, bytes)
            return
        }
        throw Failure("no blob to change")
    }

    /// Replaces text in the image's config and names it anew all the way up.
    fileprivate func replaceInConfig(_ old: String, with new: String) throws {
        var replaced = (old, new)
        for start in [#"{"os""#, #"{"schemaVersion""#] {
            for name in TreeSnapshot.names(in: path("layout/blobs/sha256")) {
                let text = read("layout/blobs/sha256/\(name)")
                guard text.hasPrefix(start) else { continue }
                let changed = Array(text.replacing(replaced.0, with: replaced.1).utf8)
                replaced = (name, SHA256.of(changed).hexadecimal)
                try writeBytes("layout/blobs/sha256/\(replaced.1)", changed)
                break
            }
        }
        try write(
            "layout/index.json",
            read("layout/index.json").replacing(replaced.0, with: replaced.1))
    }
}
