import JSON
import OCISpec
import Testing

@Suite struct `Diagnostics of a document` {
    private func diagnostics() throws -> Diagnostics {
        Diagnostics(
            try JSONDocument(Array("{\n \"a\": [1, 2],\n \"b\": {\"c d\": 3}}".utf8)),
            file: "x.json")
    }

    @Test func `are one line: file, line, column, path and message`() throws {
        let found = try diagnostics()
        let root = found.document.root
        found.error("is odd", at: try #require(root["a"]?.elements[1].offset))
        found.warning("is late", at: try #require(root["b"]?["c d"]?.offset))
        found.error("is missing", at: root.offset, member: "z")
        found.error("is missing", at: try #require(root["b"]?.offset), member: "z")
        #expect(
            found.sorted.map(\.text) == [
                "x.json:1:1: z: is missing",
                "x.json:2:11: a[1]: is odd",
                "x.json:3:7: b.z: is missing",
                "x.json:3:15: warning: b[\"c d\"]: is late",
            ])
        #expect(found.hasErrors)
    }

    @Test func `with warnings alone are no errors`() throws {
        let found = try diagnostics()
        found.warning("is late", at: 0)
        #expect(!found.hasErrors)
        #expect(!found.hasError(in: ""))
    }

    @Test func `know whether something in a path was wrong`() throws {
        let found = try diagnostics()
        found.error("is odd", at: try #require(found.document.root["a"]?.elements[1].offset))
        #expect(found.hasError(in: "a") && found.hasError(in: "a[1]"))
        #expect(!found.hasError(in: "a[0]") && !found.hasError(in: "b"))
    }

    @Test func `of a text that is no JSON say so`() throws {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONDocument(Array("{".utf8)) }
        #expect(
            Diagnostic(try #require(error), file: "x.json").text
                == "x.json:1:2: not JSON: expected a key in double quotes, found the end of the"
                + " text")
    }

    static let names = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]

    @Test func `a name without its prefix is meant`() {
        #expect(nearestName(to: "cpu", in: ["RLIMIT_AS", "RLIMIT_CPU"]) == "RLIMIT_CPU")
        #expect(nearestName(to: "SYS_ADMIN", in: ["CAP_SYS_ADMIN"]) == "CAP_SYS_ADMIN")
        #expect(nearestName(to: "", in: ["RLIMIT_"]) == nil)
    }

    @Test(
        arguments: [
            ("pdi", "pid"), ("PID", "pid"), ("networks", "network"), ("netwrok", "network"),
            ("mnt", nil), ("net", nil), ("x", nil), ("", nil), ("timeout", nil), ("utz", "uts"),
            ("mountt", "mount"), ("cgroups", "cgroup"),
        ] as [(String, String?)])
    func `guess what was meant, and do not guess wildly`(_ written: String, _ meant: String?) {
        #expect(nearestName(to: written, in: Self.names) == meant)
    }
}
