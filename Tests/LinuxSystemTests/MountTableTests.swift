import LinuxSystem
import Testing

@Suite struct `The table of mounts` {
    private func points(_ lines: [String]) -> [String] {
        MountTable(Array(lines.joined(separator: "\n").utf8)).entries.map(\.point)
    }

    /// Mounts have the order of their numbers, and a root may be made after what is moved into it.
    @Test func `has mounts before the root that they lie in`() {
        let found = points([
            "22 27 0:21 / /proc rw - proc proc rw", "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw",
            "24 27 0:6 / /dev rw - devtmpfs devtmpfs rw", "27 1 254:0 / / rw - ext4 /dev/vda rw",
        ])
        #expect(found == ["/proc", "/dev/shm", "/dev", "/"])
    }

    @Test func `leaves out mounts that others cover`() {
        let found = points([
            "1 0 8:1 / / rw - ext4 /dev/a rw", "2 1 8:2 / /a rw - ext4 /dev/b rw",
            "3 2 8:3 / /a/b rw - ext4 /dev/c rw", "4 2 8:4 / /a rw - tmpfs x rw",
            "5 4 8:5 / /a/c rw - tmpfs y rw", "6 1 8:6 / /ab rw - tmpfs z rw",
        ])
        #expect(found == ["/", "/a", "/a/c", "/ab"])
    }

    @Test func `tells what was mounted, how, and with which peers`() throws {
        let table = MountTable(
            Array(
                """
                1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/a ro,errors=remount-ro
                2 1 0:9 /a\\040b /m ro,nosuid master:3 shared:4 - tmpfs shm rw,size=64k
                3 2 0:9 / /m/x rw shared:9 - tmpfs
                """.utf8))
        try #require(table.entries.map(\.point) == ["/", "/m", "/m/x"])
        let (root, bound, cut) = (table.entries[0], table.entries[1], table.entries[2])
        #expect(!root.isReadOnly && root.isReadOnlyFileSystem && root.source == "/dev/a")
        #expect(root.propagation == ["shared:1"])
        #expect(bound.root == "/a b" && bound.options == ["ro", "nosuid"] && bound.isReadOnly)
        #expect(bound.propagation == ["master:3", "shared:4"] && bound.source == "shm")
        #expect(bound.fileSystemOptions == ["rw", "size=64k"])
        #expect(bound.parent == root.id)
        // A line without its end.
        #expect(cut.source == "" && cut.fileSystemOptions == [])
        #expect(cut.propagation == ["shared:9"])
    }

    @Test func `has entries for paths`() {
        let table = MountTable(
            Array(
                """
                1 0 8:1 / / rw - ext4 /dev/a rw
                2 1 8:2 / /a\\040b rw - xfs /dev/b rw
                """.utf8))
        #expect(table.around("/a b/c")?.type == "xfs")
        #expect(table.around("/a b")?.type == "xfs")
        #expect(table.around("/a")?.type == "ext4")
        #expect(table.below("/").map(\.point) == ["/a b"])
    }
}
