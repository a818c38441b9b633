import Glibc
import Testing

/// What `vfs.overlay.layers` and `--layer` may call a layer.
struct LayerNameTests {
    private func read(
        _ box: Sandbox, _ layers: [String], options: [String] = [], _ path: String = "/name"
    ) throws -> Outcome {
        var config = box.config()
        for layer in layers { config["vfs"]["overlay"]["layers"].append(.string(layer)) }
        return try box.run(config, options, arguments: ["cat", path])
    }

    @Test func `a name means a directory of layers in the bundle or beside it`() throws {
        try Sandbox.use { box in
            try box.write("layers/python/name", "beside")
            #expect(try read(box, ["python"]).output == "beside")
            try box.write("bundle/layers/python/name", "inside")
            #expect(try read(box, ["python"]).output == "inside")
            // As ever: what is there relative to the bundle is it.
            try box.write("bundle/python/name", "bundle")
            #expect(try read(box, ["python"]).output == "bundle")
            #expect(try read(box, ["missing"]).error.contains("does not exist"))
        }
    }

    @Test func `a digest means a layer of the store`() throws {
        try Sandbox.use { box in
            let digits = String(repeating: "0123456789abcdef", count: 4)
            try box.write("layers/sha256/\(digits)/name", "stored")
            #expect(try read(box, ["sha256:" + digits]).output == "stored")
            #expect(try read(box, [], options: ["--layer", "sha256:" + digits]).output == "stored")
            let missing = try read(box, ["sha256:" + String(digits.dropFirst()) + "0"])
            #expect(missing.code == 125 && missing.error.contains("unpack an image"), "\(missing)")
            #expect(missing.error.contains("config.json:"), "\(missing)")
            for hostile in [
                "sha256:../../etc", "sha256:", "sha256:" + digits + "0",
                "sha256:" + digits.uppercased(),
            ] {
                let outcome = try read(box, [hostile])
                #expect(
                    outcome.code == 125 && outcome.error.contains("is not a digest"), "\(outcome)")
            }
        }
    }

    @Test func `a stack of systemd's brings its layers in the order of versions`() throws {
        try Sandbox.use { box in
            for number in ["2", "10", "1"] {
                try box.write("app.mstack/layer@\(number)/name", number)
                try box.write("app.mstack/layer@\(number)/only-\(number)", number)
            }
            let stack = box.path("app.mstack")
            #expect(try read(box, ["../app.mstack"]).output == "10")
            #expect(try read(box, [stack], "/only-1").output == "1")
            #expect(try read(box, [], options: ["--layer", stack + "/"], "/only-2").output == "2")
            try box.write("app.mstack/rw/data/name", "written")
            #expect(try read(box, [stack]).output == "written")
            for (name, isFile) in [("layer@3.raw", true), ("bind@var", false), ("root", false)] {
                let path = "app.mstack/\(name)"
                _ = try isFile ? box.write(path, "") : box.makeDirectory(path)
                let outcome = try read(box, [stack])
                #expect(
                    outcome.code == 125
                        && outcome.error.contains("\"\(name)\", which is not supported"),
                    "\(outcome)")
                _ = isFile ? unlink(box.path(path)) : rmdir(box.path(path))
            }
            // A link would show any directory of the host.
            for name in ["layer@9", "rw"] {
                try box.write("linked.mstack/layer@1/name", "1")
                #expect(symlink("/etc", box.path("linked.mstack/\(name)")) == 0)
                let outcome = try read(box, ["../linked.mstack"])
                #expect(
                    outcome.code == 125
                        && outcome.error.contains("\"\(name)\", which is not a directory"),
                    "\(outcome)")
                unlink(box.path("linked.mstack/\(name)"))
            }
            try box.makeDirectory("empty.mstack")
            #expect(try read(box, ["../empty.mstack"]).error.contains("has no layer"))
            #expect(try read(box, ["../none.mstack"]).error.contains("cannot be read"))
        }
    }
}
