import LinuxSystem
import Testing

@testable import Images

@Suite struct `The user of an image` {
    private let users = UserDatabase(
        passwd: Array(
            """
            root:x:0:0:root:/root:/bin/sh
            short:x:9
            web:x:1000:1001::/:/bin/sh
            42:x:7:8::/:/bin/sh
            minus:x:4294967295:0::/:/bin/sh

            """.utf8),
        group: Array("root:x:0:\nweb:x:1001:\nlog:x:50:web,other\nlog2:x:50:web\n".utf8))

    @Test(
        arguments: [
            ("", 0, 0, []), ("0", 0, 0, []), ("web", 1000, 1001, [50]), ("1000", 1000, 1001, [50]),
            ("web:log", 1000, 50, []), ("web:7", 1000, 7, []), ("5", 5, 0, []),
            ("5:log", 5, 50, []),
            ("42", 7, 8, []), ("web:", 1000, 1001, [50]),
        ] as [(String, UInt32, UInt32, [UInt32])])
    func `is found as the image writes it`(
        _ text: String, _ user: UInt32, _ group: UInt32, _ more: [UInt32]
    ) throws {
        #expect(
            try users.find(text)
                == ImageUser(userID: user, groupID: group, additionalGroups: more))
    }

    @Test(arguments: [
        "nobody", "short", "minus", "4294967295", "-1", "+1", "1e3", "web:nogroup", "0x10", " 0",
    ])
    func `is an error where it is nobody`(_ text: String) {
        #expect(throws: Failure.self) { try users.find(text) }
    }
}

@Suite struct `What the user names as an image` {
    @Test(
        arguments: [
            ("a.tar", .rootfs("a.tar")), ("-", .rootfs("-")), ("./a:b.tar", .rootfs("./a:b.tar")),
            ("oci:dir", .layout("dir", isArchive: false, reference: nil)),
            ("oci:a/dir:tag", .layout("a/dir", isArchive: false, reference: "tag")),
            ("oci-archive:f.tar:t", .layout("f.tar", isArchive: true, reference: "t")),
            (
                "oci:dir@sha256:00", .layout("dir", isArchive: false, reference: "sha256:00")
            ),
            ("docker-archive:f:name:tag", .dockerArchive("f", reference: "name:tag")),
        ] as [(String, ImageReference)])
    func `is taken apart`(_ text: String, _ reference: ImageReference) throws {
        #expect(try ImageReference(text) == reference)
    }
}
