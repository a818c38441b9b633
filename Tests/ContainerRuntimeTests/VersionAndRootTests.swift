import Testing

@testable import ContainerRuntime

@Suite struct `Checks of version and root` {
    static let table: [CheckRow] = [
        CheckRow(
            "ociVersion", #""1.0""#,
            """
            config.json:2:15: ociVersion: "1.0" is not a version; write "1.3.0"
            """),
        CheckRow(
            "ociVersion", #""1.x.0""#,
            """
            config.json:2:15: ociVersion: "1.x.0" is not a version; write "1.3.0"
            """),
        CheckRow(
            "ociVersion", #""1.-1.0""#,
            """
            config.json:2:15: ociVersion: "1.-1.0" is not a version; write "1.3.0"
            """),
        CheckRow(
            "ociVersion", #""2.0.0""#,
            """
            config.json:2:15: ociVersion: version 2.0.0 of the specification is not supported; \
            use 1.x
            """),
        CheckRow(
            "ociVersion", #""1.0.2-dev""#),
        CheckRow(
            "ociVersion", nil,
            """
            config.json:1:1: ociVersion: is required and missing
            """),
        CheckRow(
            "ociVersion", #"1"#,
            """
            config.json:2:15: ociVersion: 1 is not a string
            """),
        CheckRow(
            "root", nil,
            """
            config.json:1:1: root: is required and missing; without vfs.overlay.layers it \
            names the root file system
            """),
        CheckRow(
            "root", #"{}"#,
            """
            config.json:4:9: root.path: is required and missing
            """),
        CheckRow(
            "root", #"{"path": ""}"#,
            """
            config.json:4:18: root.path: is empty; name a directory
            """),
        CheckRow(
            "root", #"[]"#,
            """
            config.json:4:9: root: an array is not an object
            """),
        CheckRow(
            "root", #"null"#,
            """
            config.json:1:1: root: is required and missing; without vfs.overlay.layers it \
            names the root file system
            """),
        CheckRow(
            "root", #"{"path": "a", "readonly": "yes"}"#,
            """
            config.json:4:35: root.readonly: "yes" is not a boolean; write true or false
            """),
        CheckRow(
            "root", #"{"path": "a", "readonly": true}"#),
        CheckRow(
            "hostname", #""box""#,
            """
            config.json:6:13: hostname: needs an entry {"type": "uts"} in linux.namespaces; \
            without it the name of the host would change
            """),
        CheckRow(
            "domainname", #""box""#,
            """
            config.json:6:15: domainname: needs an entry {"type": "uts"} in linux.namespaces; \
            without it the name of the host would change
            """),
        CheckRow(
            "hostname", #""""#),
        CheckRow(
            "hostname", #"["box"]"#,
            """
            config.json:6:13: hostname: an array is not a string
            """),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
