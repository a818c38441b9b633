import Testing

@testable import ContainerRuntime

@Suite struct `Checks of the network` {
    static let table: [CheckRow] = [
        CheckRow("vfs", #"{"network": "host"}"#),
        CheckRow("vfs", #"{"network": null}"#),
        CheckRow(
            "vfs", #"{"network": "bridge"}"#,
            """
            config.json:6:20: vfs.network: "bridge" is not known; allowed are none, host, pasta, \
            slirp4netns
            """),
        CheckRow(
            "vfs", #"{"network": {"proxy": 1}}"#,
            "config.json:6:30: vfs.network.proxy: 1 is not a string"),
        CheckRow(
            "vfs", #"{"network": {}}"#,
            "config.json:6:20: vfs.network.proxy: is required and missing"),
        CheckRow(
            "vfs", #"{"network": "none"}"#,
            """
            config.json:6:20: vfs.network: needs a network namespace of the container's own; add \
            an entry {"type": "network"} without a path to linux.namespaces
            """),
    ]

    @Test(arguments: table)
    func `say what is wrong`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
