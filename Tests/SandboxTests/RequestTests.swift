import ContainerRuntime
import LinuxSystem
import Testing

@testable import Sandbox

@Suite struct `Words of a command line` {
    @Test(arguments: [
        ("data:/data:ro", "/w/data", "/data", "ro"),
        ("data:/data", "/w/data", "/data", "rw"),
        ("/a//b/../c/:/d/", "/a/c", "/d", "rw"),
        ("./data:O", "/w/data", "/w/data", "O"),
        ("/x", "/x", "/x", "rw"),
        ("data:/data:rw,noexec,Z", "/w/data", "/data", "rw"),
    ])
    func `are volumes in podman's forms`(
        _ text: String, _ source: String, _ destination: String, _ kind: String
    ) throws {
        let volume = try Volume(text, from: "/w")
        #expect(volume.destination == destination)
        let expected: Volume.Kind =
            kind == "O"
            ? .copyOnWrite(source: source) : .bind(source: source, isReadOnly: kind == "ro")
        #expect(volume.kind == expected)
    }

    @Test(arguments: ["", ":", "a:b", "a:/b:c:d", "a:/b:zz", "a:/", "a:/proc/x", "a:ro:/b"])
    func `are no volumes`(_ text: String) {
        #expect(throws: Failure.self) { try Volume(text, from: "/w") }
    }

    @Test func `are tmpfs with podman's defaults`() throws {
        #expect(try Volume(tmpfs: "/x").options == ["nosuid", "nodev", "mode=1777"])
        let given = try Volume(tmpfs: "/x:size=1m,mode=700,ro")
        #expect(given.options == ["nosuid", "nodev", "size=1m", "mode=700", "ro"])
    }

    @Test func `are variables, the caller's among them`() throws {
        let caller: (String) -> String? = { $0 == "HERE" ? "yes" : nil }
        #expect(try Variables.entry("A=b=c", caller: caller) == "A=b=c")
        #expect(try Variables.entry("HERE", caller: caller) == "HERE=yes")
        #expect(try Variables.entry("GONE", caller: caller) == nil)
        let file = Array("# x\n\n A=1\r\nHERE\nGONE\nB=\n".utf8)
        #expect(
            try Variables.entries(in: file, named: "f", caller: caller) == [
                "A=1", "HERE=yes", "B=",
            ])
        let failure = #expect(throws: Failure.self) {
            try Variables.entries(in: Array("A=1\n=2".utf8), named: "f", caller: caller)
        }
        #expect(failure?.message.contains("f:2") == true)
    }

    @Test func `are capabilities with podman's defaults`() throws {
        #expect(try ProgramCapabilities.names(isRoot: false, adding: [], dropping: []) == [])
        #expect(
            try ProgramCapabilities.names(isRoot: true, adding: [], dropping: []).count == 11)
        #expect(
            try ProgramCapabilities.names(
                isRoot: true, adding: ["sys_nice", "CAP_KILL"], dropping: ["ALL"])
                == ["CAP_SYS_NICE", "CAP_KILL"])
    }
}

@Suite struct `Ids of a sandbox` {
    private func host(_ subordinates: [IDRange]) throws -> SandboxHost {
        var host = try SandboxHost(.init())
        (host.userID, host.groupID) = (1000, 1000)
        host.privilege = .none
        host.rootless = .init(
            userID: 1000, groupID: 1000,
            subordinates: subordinates.isEmpty
                ? nil
                : .init(
                    users: subordinates, groups: subordinates, userHelper: "/u",
                    groupHelper: "/g"))
        return host
    }

    private func users(
        _ word: String?, _ subordinates: [(UInt32, UInt32)] = []
    ) throws -> [[UInt32]] {
        let ranges = subordinates.map { IDRange(inside: 0, outside: $0.0, count: $0.1) }
        return try SandboxUser(word, passwd: [], try host(ranges), range: nil).mappings.users
            .ranges.map { [$0.inside, $0.outside, $0.count] }
    }

    @Test func `are the caller's own alone, without another user`() throws {
        #expect(try users(nil) == [[1000, 1000, 1]])
        #expect(try users(nil, [(100_000, 65536)]) == [[1000, 1000, 1]])
        #expect(try users("0") == [[0, 1000, 1]])
        #expect(try users("7") == [[7, 1000, 1]])
    }

    @Test func `stand for subordinate ids around the program's`() throws {
        #expect(try users("0", [(100_000, 65536)]) == [[0, 1000, 1], [1, 100_000, 65536]])
        #expect(
            try users("7", [(100_000, 65536)]) == [
                [7, 1000, 1], [0, 100_000, 7], [8, 100_007, 65529],
            ])
        #expect(
            try users("7", [(100_000, 3), (200_000, 10)]) == [
                [7, 1000, 1], [0, 100_000, 3], [3, 200_000, 4], [8, 200_004, 6],
            ])
    }
}
