import Testing

@testable import Images

@Suite struct `The platform of an image` {
    /// What is wanted, what there is, and how well it fits; by containerd's platforms.Only.
    @Test(
        arguments: [
            ("linux/amd64", "linux/amd64", 0), ("linux/amd64", "linux/amd64/v1", 0),
            ("linux/amd64", "linux/x86_64", 0), ("linux/amd64", "linux/amd64/v3", nil),
            ("linux/amd64/v3", "linux/amd64/v3", 0), ("linux/amd64/v3", "linux/amd64/v2", 1),
            ("linux/amd64/v3", "linux/amd64", 2), ("linux/amd64/v3", "linux/amd64/v4", nil),
            ("linux/arm64", "linux/arm64/v8", 0), ("linux/arm64/v8", "linux/arm64", 0),
            ("linux/aarch64", "linux/arm64", 0), ("linux/arm64/v9", "linux/arm64/v8", 1),
            ("linux/arm/v7", "linux/arm/v7", 0), ("linux/arm/v7", "linux/arm", 0),
            ("linux/arm/v7", "linux/arm/v6", 1), ("linux/arm/v7", "linux/arm/v5", 2),
            ("linux/arm", "linux/arm/v7", 0), ("linux/arm", "linux/arm/v5", 2),
            ("linux/arm/v6", "linux/arm/v7", nil), ("linux/arm/v6", "linux/arm", nil),
            ("linux/arm/7", "linux/armhf", 0), ("linux/s390x", "linux/s390x", 0),
            ("linux/amd64", "windows/amd64", nil), ("linux/amd64", "unknown/unknown", nil),
            ("linux/amd64/v99999999999999999999", "linux/amd64", 1),
        ] as [(String, String, Int?)])
    func `fits`(_ wanted: String, _ other: String, _ rank: Int?) throws {
        let (wanted, other) = (try #require(Platform(wanted)), try #require(Platform(other)))
        #expect(wanted.rank(of: other) == rank)
    }

    @Test(arguments: ["", "linux", "linux/", "/amd64", "linux/amd64/", "a/b/c/d"])
    func `is no platform`(_ text: String) { #expect(Platform(text) == nil) }
}
