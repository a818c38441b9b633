import JSON
import OCISpec
import Testing

@testable import ContainerRuntime

@Suite struct `Checks of hooks` {
    /// "hooks" itself is complained about as long as nothing runs them.
    static let table = [
        CheckRow(
            "hooks",
            #"""
            {"prestart": [{"path": "x", "timeout": 0}],
             "createRuntime": [{"path": "", "timeout": -1}],
             "createContainer": [{"args": ["x"]}],
             "startContainer": [{"path": "/x", "env": ["A", "=b", "C="]}],
             "poststart": [{"path": 1, "timeout": 1.5}],
             "poststop": {}}
            """#,
            """
            config.json:6:33: hooks.prestart[0].path: "x" is not an absolute path
            config.json:6:49: hooks.prestart[0].timeout: 0 is not a positive number of seconds; \
            remove it for no limit
            config.json:7:29: hooks.createRuntime[0].path: "" is not an absolute path
            config.json:7:44: hooks.createRuntime[0].timeout: -1 is not a positive number of \
            seconds; remove it for no limit
            config.json:8:22: hooks.createContainer[0].path: is required and missing
            config.json:9:44: hooks.startContainer[0].env[0]: "A" is not of the form NAME=value
            config.json:9:49: hooks.startContainer[0].env[1]: "=b" is not of the form NAME=value
            config.json:10:25: hooks.poststart[0].path: 1 is not a string
            config.json:10:39: hooks.poststart[0].timeout: 1.5 is not a whole number from \
            -9223372036854775808 to 9223372036854775807
            config.json:11:14: hooks.poststop: an object is not an array
            """)
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        let found = try row.found.split(separator: "\n").filter {
            !$0.contains("hooks: is not supported yet")
        }
        #expect(found.joined(separator: "\n") == row.expected)
    }

    @Test func `a hook without arguments gets its path as the only one`() throws {
        let text = #"""
            {"hooks": {"createRuntime": [{"path": "/a"}],
                       "startContainer": [{"path": "/a", "args": ["b", "c"], "timeout": 5}]}}
            """#
        let document = try JSONDocument(Array(text.utf8))
        let spec = try #require(Spec(Diagnostics(document, file: "config.json")).hooks)
        let hooks = Configuration.Hooks(spec)
        #expect(hooks[.createRuntime].map(\.arguments) == [["/a"]])
        #expect(hooks[.startContainer].map(\.arguments) == [["b", "c"]])
        #expect(hooks[.startContainer].map(\.timeout) == [5])
        #expect(hooks[.createRuntime].map(\.origin) == [.config(29)])
        #expect(hooks[.prestart].isEmpty && hooks[.poststop].isEmpty)
    }
}
