import Testing

@testable import ContainerRuntime

@Suite struct `Checks of the whole document` {
    static let table: [CheckRow] = [
        CheckRow(
            "hooks", #"{"prestart": [{"path": "/x"}]}"#),
        CheckRow(
            "hooks", #"{}"#),
        CheckRow(
            "annotations", #"{"a": "1", "a": "2"}"#,
            """
            config.json:6:27: annotations.a: is a duplicate key; remove one
            """),
        CheckRow(
            "annotations", #"{"": "1"}"#,
            """
            config.json:6:17: annotations[""]: has an empty key; name the annotation
            """),
        CheckRow(
            "annotations", #"{"a": {"x": 1}}"#,
            """
            config.json:6:22: annotations.a: an object is not a string
            """),
        CheckRow(
            "unknown", #"{"x": [1]}"#),
        CheckRow(
            "windows", #"{"x": null}"#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "resources": {"memory": {"limit": 67108864}, "devices": [{"allow": false}], "pids": {}},
             "cgroupsPath": "/x"}
            """#,
            """
            config.json:6:59: linux.resources.devices[0].access: is missing; write letters \
            out of rwm
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "resources": {"devices": []}, "uidMappings": [], "timeOffsets": {}}
            """#),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
