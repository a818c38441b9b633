import Testing

@testable import ContainerRuntime

@Suite struct `Checks of the overlay` {
    static let table: [CheckRow] = [
        CheckRow(
            "vfs",
            #"""
            {"overlay": {"layers": [], "upper": "",
             "size": "big", "options": ["lowerdir=x", "upperdir", "index=on"]}}
            """#,
            """
            config.json:6:20: vfs.overlay.layers: is empty, and an upper that is kept needs a \
            layer; name a directory, or remove it to use root.path
            config.json:6:44: vfs.overlay.upper: is empty; name a directory, or remove it for an \
            upper that is discarded
            config.json:7:10: vfs.overlay.size: limits an upper that is discarded, but this one \
            is kept; remove "size" or "upper"
            config.json:7:10: vfs.overlay.size: "big" is not a size; write "256M", "2G" \
            or "10%"
            config.json:7:29: vfs.overlay.options[0]: the runtime sets lowerdir; use "layers" \
            and "upper"
            config.json:7:43: vfs.overlay.options[1]: the runtime sets upperdir; use "layers" \
            and "upper"
            config.json:7:55: vfs.overlay.options[2]: "index=on" stores files with several hard \
            links outside the upper, where diff, commit and snapshots miss them; remove it, or use \
            an upper that is discarded
            """),
        CheckRow(
            "vfs", #"{"overlay": {"layers": ["", "b"], "upper": "u", "size": "1M"}}"#,
            """
            config.json:6:32: vfs.overlay.layers[0]: is empty; name a directory
            config.json:6:64: vfs.overlay.size: limits an upper that is discarded, but this one \
            is kept; remove "size" or "upper"
            """),
        CheckRow(
            "vfs",
            #"""
            {"overlay": {"layers": ["a", "b"], "size": "10%", "options": ["metacopy=on"]}}
            """#),
        CheckRow("vfs", #"{"overlay": {"size": "10M", "inodes": 20000}}"#),
        CheckRow(
            "vfs", #"{"overlay": {"upper": "u", "inodes": 15}}"#,
            """
            config.json:6:45: vfs.overlay.inodes: limits an upper that is discarded, but this \
            one is kept; remove "inodes" or "upper"
            config.json:6:45: vfs.overlay.inodes: 15 is not from 16 to 1099511627776
            """),
        CheckRow(
            "vfs", #"{"overlay": {"size": "0"}}"#,
            """
            config.json:6:29: vfs.overlay.size: "0" is not a size; write "256M", "2G" or \
            "10%"
            """),
        CheckRow(
            "vfs", #"{"overlay": {"size": "18446744073709551616"}}"#,
            """
            config.json:6:29: vfs.overlay.size: "18446744073709551616" is not a size; \
            write "256M", "2G" or "10%"
            """),
        CheckRow(
            "vfs", #"{"overlay": {"size": "-1"}}"#,
            """
            config.json:6:29: vfs.overlay.size: "-1" is not a size; write "256M", "2G" or \
            "10%"
            """),
        CheckRow(
            "vfs", #"{"overlay": {"size": "%"}}"#,
            """
            config.json:6:29: vfs.overlay.size: "%" is not a size; write "256M", "2G" or \
            "10%"
            """),
        CheckRow(
            "vfs", #"{"overlay": {"size": "2g"}}"#),
        CheckRow(
            "vfs", #"{"overlay": "yes"}"#,
            """
            config.json:6:20: vfs.overlay: "yes" is neither an object nor a boolean
            """),
        CheckRow(
            "vfs", #"{"overlay": false}"#),
        CheckRow(
            "vfs", #"{"overlay": true}"#),
        CheckRow(
            "vfs", #"[]"#,
            """
            config.json:6:8: vfs: an array is not an object
            """),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
