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
        var variables = Variables(caller: ["HERE=yes", "AB=1", "AC=2=3", "B=4"])
        for text in ["A=b=c", "HERE", "GONE", "A*", "X*"] { try variables.add(text) }
        #expect(variables.entries == ["A=b=c", "HERE=yes", "AB=1", "AC=2=3"])
        var all = Variables(caller: ["A=1", "B=2"])
        try all.add("*")
        #expect(all.entries == ["A=1", "B=2"])
    }

    @Test func `are variables of a file`() throws {
        var variables = Variables(caller: ["HERE=yes"])
        try variables.add(lines: Array("# x\n\n A=1\r\nHERE\nGONE\nB=\n".utf8), of: "f")
        #expect(variables.entries == ["A=1", "HERE=yes", "B="])
        for wrong in ["A=1\n=2", "A=1\nB=\u{0}"] {
            let failure = #expect(throws: Failure.self) {
                try variables.add(lines: Array(wrong.utf8), of: "f")
            }
            #expect(failure?.message.hasPrefix("f:2: ") == true)
        }
    }

    @Test func `are mounts of what a sandbox has of its own in no case`() {
        for place in ["/dev", "/dev/null", "/proc", "/"] {
            #expect(throws: Failure.self) { try Volume("/x:" + place, from: "/w") }
            #expect(throws: Failure.self) { try Volume(tmpfs: place) }
        }
        #expect(throws: Never.self) { try Volume(tmpfs: "/dev/shm") }
        for options in ["size=0", "nr_inodes=0", "ro=1", "size"] {
            #expect(throws: Failure.self) { try Volume(tmpfs: "/x:" + options) }
        }
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
        let host = try host(ranges)
        let names = BaseNames(.layers([], environment: []), host)
        return try SandboxUser(word, names, host, range: nil).mappings.users.ranges.map {
            [$0.inside, $0.outside, $0.count]
        }
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
