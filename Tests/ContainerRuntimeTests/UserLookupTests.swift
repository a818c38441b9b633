import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import ContainerRuntime

@Suite struct `The argument --user` {
    static let good: [(String, UInt32, UInt32?)] = [
        ("0", 0, nil), ("1", 1, nil), ("1:2", 1, 2), ("0:0", 0, 0), ("01", 1, nil),
        ("4294967294", 4_294_967_294, nil), ("1000:4294967294", 1000, 4_294_967_294),
    ]

    @Test(arguments: good)
    func `is a user, and perhaps a group`(
        _ text: String, _ user: UInt32, _ group: UInt32?
    ) throws {
        let found = try UserArgument(text)
        #expect(found.userID == user)
        #expect(found.groupID == group)
    }

    /// CVE-2024-40635, CVE-2026-30892: what is no number must not become 0.
    @Test(arguments: [
        "", ":", "1:", ":1", "1:2:3", "-1", "+1", " 1", "1 ", "1\n", "1: 2", "0x1", "1e3", "1.0",
        "root", "1:wheel", "4294967295", "4294967296", "1:4294967295", "18446744073709551617",
        "99999999999999999999999999", "١", "1:\u{0}", "1,2",
    ])
    func `is nothing else`(_ text: String) {
        #expect(throws: Failure.self) { try UserArgument(text) }
    }

    @Test func `that is wrong is told of`() {
        #expect(
            throws: Failure(
                "--user: \"me\" is not UID or UID:GID, whole numbers from 0 to 4294967294")
        ) { try UserArgument("me") }
    }
}

@Suite struct `The home directory` {
    private static let passwd = """
        # a comment
        root:x:0:0:root:/root:/bin/sh

        short:x:7
        wrong:x:seven:7::/wrong:/bin/sh
        sign:x:+7:7::/wrong:/bin/sh
        space:x: 7:7::/wrong:/bin/sh
        more:x:7:7::/wrong:/bin/sh:more
        seven:x:7:7:Se ven,,:/home/sé ven:
        again:x:7:7::/again:/bin/sh
        empty:x:8:8:::/bin/sh
        relative:x:9:9::home:/bin/sh
        dos:x:10:10::/dos:/bin/sh\r
        nul:x:11:11::/a\u{0}b:/bin/sh
        most:x:4294967295:1::/none:/bin/sh
        5:x:6:6::/six:/bin/sh
        last:x:12:12::/last:/bin/sh
        """

    @Test(
        arguments: [
            (0, "/root"), (7, "/home/sé ven"), (8, nil), (9, nil), (10, "/dos"), (11, nil),
            (12, "/last"), (13, nil), (5, nil), (6, "/six"), (.max, nil),
        ] as [(UInt32, String?)])
    func `stands in the first whole line of that number`(_ user: UInt32, _ home: String?) {
        #expect(UserLookup.home(of: user, passwd: Array(Self.passwd.utf8)) == home)
    }

    @Test func `is valid text, or none`() {
        let line = Array("x:x:1:1::/".utf8) + [0xff] + Array(":/bin/sh\n".utf8)
        #expect(UserLookup.home(of: 1, passwd: line) == nil)
        #expect(UserLookup.home(of: 1, passwd: []) == nil)
    }

    // MARK: The file

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.directory("root/etc")
        try directory.file("outside", "root:x:0:0::/outside:\n")
    }

    private func home() throws -> String {
        let root = try HostPath.open(directory["root"], [.path, .directory])
        return try UserLookup.home(of: 0, in: RootDirectory(root))
    }

    @Test func `is read in the root`() throws {
        try directory.file("root/etc/passwd", "root:x:0:0::/inside:\n")
        #expect(try home() == "/inside")
    }

    @Test func `without a file is the root`() throws {
        #expect(try home() == "/")
    }

    /// CVE-2024-9676.
    @Test(arguments: ["/outside", "../../outside", "/proc/self/root/outside", "loop", "/dev/zero"])
    func `is never read through a link that leaves the root`(_ target: String) throws {
        try directory.link("root/etc/passwd", to: target)
        try directory.link("root/etc/loop", to: "passwd")
        #expect(try home() == "/")
    }

    @Test func `is read through a link inside`() throws {
        try directory.file("root/lib/passwd", "root:x:0:0::/inside:\n")
        try directory.link("root/etc/passwd", to: "/lib/passwd")
        #expect(try home() == "/inside")
    }

    @Test func `does not wait for a fifo`() throws {
        mkfifo(directory["root/etc/passwd"], 0o600)
        #expect(try home() == "/")
    }

    @Test func `is not looked for in a directory or in a huge file`() throws {
        try directory.directory("root/etc/passwd")
        #expect(try home() == "/")
        rmdir(directory["root/etc/passwd"])
        try directory.file("root/etc/passwd", "root:x:0:0::/inside:\n")
        truncate(directory["root/etc/passwd"], 1 << 40)
        #expect(try home() == "/")
    }

    @Test(.enabled(if: geteuid() == 0, "makes a device"))
    func `is not read from a device`() throws {
        let etc = try HostPath.open(directory["root/etc"], [.path, .directory])
        try etc.borrowed.makeNode(
            "passwd", mode: S_IFCHR | 0o666, device: DeviceNumber(major: 1, minor: 5))
        #expect(try home() == "/")
    }
}

@Suite struct `An environment` {
    @Test(
        arguments: [
            ([], []), (["A=1"], ["A=1"]), (["A=1", "B=2", "A=3"], ["B=2", "A=3"]),
            (["A=", "A=1=2", "a=1"], ["A=1=2", "a=1"]), (["HOME=", "A=1"], ["A=1"]),
            (["HOME=/x", "HOME="], []), (["HOME=", "HOME=/x"], ["HOME=/x"]),
            (["HOMES=", "A=1"], ["HOMES=", "A=1"]),
        ] as [([String], [String])])
    func `has each name once, the last`(_ given: [String], _ expected: [String]) {
        #expect(Environment.prepared(given) == expected)
    }

    @Test func `gets a home only where it has none`() throws {
        let plans = try [#"["A=1"]"#, #"["HOME="]"#, #"["HOME=/x"]"#].map { env in
            try ConfigFixture("process", #"{"cwd": "/", "args": ["sh"], "env": \#(env)}"#).plan()
        }
        #expect(plans.map { $0.steps.contains { $0.step is FindHome } } == [true, true, false])
        #expect(ContainerContext(Handover(), channel: nil).environment(["A=1"]) == ["A=1"])
    }
}
