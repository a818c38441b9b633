import JSON
import OCISpec
import Testing

/// Reads a document, and what is wrong in it.
func read(_ text: String) throws -> (spec: Spec, diagnostics: Diagnostics) {
    let diagnostics = Diagnostics(try JSONDocument(Array(text.utf8)), file: "config.json")
    return (Spec(diagnostics), diagnostics)
}

@Suite struct `The spec as it was written` {
    @Test func `keeps every value with its place`() throws {
        let text = #"{"ociVersion": "1.3.0", "process": {"cwd": "/", "args": ["sh", "-c"]}}"#
        let (spec, diagnostics) = try read(text)
        #expect(diagnostics.all.isEmpty)
        let args = try #require(spec.process?.args)
        #expect(args.map(\.value) == ["sh", "-c"])
        #expect(
            args.map { diagnostics.document.path(to: $0.offset) } == [
                "process.args[0]", "process.args[1]",
            ])
        #expect(diagnostics.document.position(of: args[1].offset).column == 64)
    }

    @Test func `has nil for what is not there and for null`() throws {
        let (spec, diagnostics) = try read(
            #"{"ociVersion": "1.3.0", "root": null, "hostname": null, "linux": {"seccomp": null}}"#)
        #expect(diagnostics.all.isEmpty)
        #expect(spec.root == nil && spec.hostname == nil && spec.process == nil)
        #expect(spec.linux?.seccomp == nil)
        #expect(spec.mounts.isEmpty)
    }

    @Test func `leaves out what cannot be read and goes on`() throws {
        let (spec, diagnostics) = try read(
            #"""
            {"ociVersion": 1, "process": {"cwd": "/", "args": ["a", 2, "c"],
             "rlimits": [{"type": "RLIMIT_CPU"}, {"type": "RLIMIT_AS", "soft": 1, "hard": 2}]},
             "mounts": [5, {"destination": "/x"}]}
            """#)
        #expect(spec.process?.args?.map(\.value) == ["a", "c"])
        #expect(spec.process?.rlimits.map(\.type.value) == ["RLIMIT_AS"])
        #expect(spec.mounts.map(\.destination.value) == ["/x"])
        #expect(
            diagnostics.sorted.map(\.text) == [
                "config.json:1:16: ociVersion: 1 is not a string",
                "config.json:1:57: process.args[1]: 2 is not a string",
                "config.json:2:14: process.rlimits[0].soft: is required and missing",
                "config.json:2:14: process.rlimits[0].hard: is required and missing",
                "config.json:3:13: mounts[0]: 5 is not an object",
            ])
    }

    @Test func `that is no object is one error`() throws {
        for text in ["[]", "1", "\"x\"", "null"] {
            let (_, diagnostics) = try read(text)
            #expect(diagnostics.all.count == 1)
            #expect(diagnostics.all.first?.message.hasSuffix("is not an object") == true)
        }
    }

    @Test func `ignores keys it does not know, as the specification asks`() throws {
        let (_, diagnostics) = try read(
            #"{"ociVersion": "1.3.0", "x": {"y": [1e400]}, "windows": {}, "vm": {}, "zos": {}}"#)
        #expect(diagnostics.all.isEmpty)
    }

    @Test func `tells a duplicate key where it stands the second time`() throws {
        let (_, diagnostics) = try read(
            #"{"ociVersion": "1.3.0", "process": {"cwd": "/", "\u0063wd": "/x"}}"#)
        #expect(
            diagnostics.all.map(\.text) == [
                "config.json:1:49: process.cwd: is a duplicate key; remove one"
            ])
    }
}
