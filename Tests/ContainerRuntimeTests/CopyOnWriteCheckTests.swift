import Testing

@testable import ContainerRuntime

@Suite struct `Checks of copy-on-write trees and files` {
    static let table: [CheckRow] = [
        CheckRow(
            "vfs",
            #"""
            {"copyOnWrite": [{"path": ""}, {"path": "a", "destination": ""},
             {"path": "/proc/1"}, {"path": "/x", "upper": "u"}, {"path": "/x", "upper": "u"}]}
            """#,
            """
            config.json:6:34: vfs.copyOnWrite[0].path: is empty; name a directory
            config.json:6:68: vfs.copyOnWrite[1].destination: is empty; name a directory of the \
            container, or remove it for the path on the host
            config.json:7:11: vfs.copyOnWrite[2].path: nothing but procfs may be mounted on /proc \
            or below it
            config.json:7:62: vfs.copyOnWrite[4].path: is mounted on "/x", as another tree is; \
            remove one
            config.json:7:77: vfs.copyOnWrite[4].upper: is the upper of another tree, too; name a \
            directory for each
            """),
        CheckRow(
            "vfs",
            #"""
            {"files": [{"path": "x", "content": ""}, {"path": "/x"},
             {"path": "/x", "content": "", "target": "y"},
             {"path": "/x", "directory": true, "mode": "9"},
             {"path": "/x", "target": "y", "mode": "0644"}]}
            """#,
            """
            config.json:6:28: vfs.files[0].path: "x" is not the absolute path of a file
            config.json:6:49: vfs.files[1]: needs one of "content", "source", "target" and \
            "directory": true
            config.json:7:2: vfs.files[2]: needs one of "content", "source", "target" and \
            "directory": true
            config.json:8:44: vfs.files[3].mode: "9" are no permission bits in octal digits; \
            write "0644"
            config.json:9:40: vfs.files[4].mode: a symbolic link has no mode; remove it
            """),
        CheckRow(
            "vfs", #"{"files": [{"path": "/x", "directory": true, "mode": "1777"}]}"#),
        CheckRow(
            "vfs",
            #"""
            {"files": [{"path": "/x", "content": "", "names": ["a"]},
             {"path": "/x", "source": "/y", "names": ["a/b", ".."], "mode": "0644"}]}
            """#,
            """
            config.json:6:19: vfs.files[0]: has "names" without "source"; name the directory that \
            the files lie in
            config.json:7:43: vfs.files[1].names[0]: "a/b" is not the name of a file; write it \
            without a directory
            config.json:7:50: vfs.files[1].names[1]: ".." is not the name of a file; write it \
            without a directory
            config.json:7:65: vfs.files[1].mode: copied files have the modes of their sources; \
            remove it
            """),
        CheckRow(
            "vfs", #"{"files": [{"path": "/x", "source": "/y", "names": ["a"]}]}"#),
    ]

    @Test(arguments: table) func `say what is wrong`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }

    /// The mount that lies deeper comes later, whatever the order of the config.
    @Test func `a tree is mounted before what lies in it and after all others`() throws {
        var config = ConfigFixture(
            "vfs",
            #"{"overlay": {"layers": []}, "copyOnWrite": [{"path": "/"  , "destination": "/a"}]}"#)
        config.set(
            "mounts",
            #"""
            [{"destination": "/b", "type": "tmpfs"}, {"destination": "/a/x", "type": "tmpfs"},
             {"destination": "/c", "type": "tmpfs"}]
            """#)
        // Other mounts of this machine are covered: "/" has them all below it.
        let mounts = try? config.build().configuration.mounts.map(\.destination)
        if let mounts { #expect(mounts == ["/b", "/a", "/a/x", "/c"]) }
        config.set(
            "vfs",
            #"{"overlay": {"layers": []}, "copyOnWrite": [{"path": "/none", "destination": "/a"}]}"#
        )
        let built = try config.build().configuration
        #expect(built.mounts.map(\.destination) == ["/b", "/a", "/a/x", "/c"])
        #expect(built.trees.map(\.position) == [0])
    }

    @Test func `an upper in its own tree is hidden by a file system on it`() throws {
        var config = ConfigFixture(
            "vfs",
            #"""
            {"overlay": {"layers": []},
             "copyOnWrite": [{"path": "/none", "destination": "/a", "upper": "/none/u/v"}]}
            """#)
        func isHidden() throws -> Bool {
            try config.build().configuration.hides(upper: "/none/u/v", in: "/none", at: "/a")
        }
        #expect(try !isHidden())
        config.set("mounts", #"[{"destination": "/a/u", "type": "tmpfs"}]"#)
        #expect(try isHidden())
        config.set("mounts", #"[{"destination": "/a/u/v/w", "type": "tmpfs"}]"#)
        #expect(try !isHidden())
        config.set("mounts", #"[{"destination": "/", "type": "tmpfs"}]"#)
        #expect(throws: (any Error).self) { try isHidden() }
    }
}
