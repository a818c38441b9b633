import Testing

@testable import ContainerRuntime

@Suite struct `The size of a tmpfs` {
    /// Of a machine with 1 GiB.
    private static let pages: UInt64 = 1 << 18

    @Test(arguments: [
        ("1", 1024), ("4194304", 1024), ("8m", 2048), ("256M", 65536), ("10%", 26214),
        ("512M", 131_072), ("1G", 131_072), ("100%", 131_072), ("16E", 131_072),
        ("18446744073709551615%", 131_072), ("99999999t", 131_072),
    ])
    func `allows a file for each page, within the kernel's own bounds`(
        _ text: String, _ inodes: UInt64
    ) throws {
        #expect(try #require(TmpfsSize(text)).inodes(memoryPages: Self.pages) == inodes)
    }

    @Test(arguments: ["", "0", "%", "k", "-1", "+1", "1.5G", "1 M", "١", "18446744073709551616"])
    func `is not any text`(_ text: String) {
        #expect(TmpfsSize(text) == nil)
    }
}
