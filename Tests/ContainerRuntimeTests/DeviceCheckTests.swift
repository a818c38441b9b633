import Testing

@testable import ContainerRuntime

@Suite struct `Checks of devices and paths` {
    static let table: [CheckRow] = [
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "devices": [
             {"type": "c", "path": "dev/x", "major": 4096, "minor": -1},
             {"type": "c", "path": "/dev/../dev/x", "major": 1, "minor": 1048576},
             {"type": "p", "path": "/dev/x", "fileMode": 65536},
             {"type": "z", "path": "/y"},
             {"type": "b", "path": "/z"}]}
            """#,
            """
            config.json:7:24: linux.devices[0].path: "dev/x" is not an absolute path
            config.json:7:42: linux.devices[0].major: 4096 is not from 0 to 4095
            config.json:7:57: linux.devices[0].minor: -1 is not from 0 to 1048575
            config.json:8:24: linux.devices[1].path: "/dev/../dev/x" is a second device of that path, and \
            not the same; remove one
            config.json:8:62: linux.devices[1].minor: 1048576 is not from 0 to 1048575
            config.json:9:24: linux.devices[2].path: "/dev/x" is a second device of that path, and \
            not the same; remove one
            config.json:9:46: linux.devices[2].fileMode: 65536 is not a set of permission bits; \
            the maximum is 4095 (octal 07777)
            config.json:10:11: linux.devices[3].type: "z" is not known; allowed are c, b, \
            u, p
            config.json:11:2: linux.devices[4].major: is required and missing
            config.json:11:2: linux.devices[4].minor: is required and missing
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "devices": [
             {"type": "c", "path": "/dev/x", "major": 1, "minor": 3, "fileMode": 8630},
             {"type": "b", "path": "/dev/y", "major": 4095, "minor": 1048575},
             {"type": "u", "path": "/dev/z", "major": 0, "minor": 0, "uid": 0, "gid": 0},
             {"type": "c", "path": "/dev/x", "major": 1, "minor": 3, "fileMode": 8630},
             {"type": "p", "path": "/dev/f", "fileMode": 944}]}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "maskedPaths": ["proc"], "readonlyPaths": ["/sys", "sys"]}
            """#,
            """
            config.json:6:18: linux.maskedPaths[0]: "proc" is not an absolute path
            config.json:6:53: linux.readonlyPaths[1]: "sys" is not an absolute path
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "maskedPaths": ["/proc"], "readonlyPaths": []}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "maskedPaths": "/proc", "readonlyPaths": [1]}
            """#,
            """
            config.json:6:17: linux.maskedPaths: "/proc" is not an array
            config.json:6:44: linux.readonlyPaths[0]: 1 is not a string
            """),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
