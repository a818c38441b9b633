import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct `The removal of a tree` {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func parent() throws -> OwnedDescriptor {
        try HostPath.open(directory.path, [.readOnly, .directory])
    }

    @Test func `takes few descriptors, however deep it is`() throws {
        let parent = try parent()
        let name = try #require(FileName("d"))
        var current = try OwnedDescriptor.duplicate(parent.borrowed)
        for _ in 0..<3000 {
            try current.borrowed.makeDirectory(name, mode: 0o755)
            _ = try current.borrowed.open("file", [.create, .writeOnly], mode: 0o644)
            current = try current.borrowed.open(name, [.readOnly, .directory])
        }
        try parent.borrowed.removeTree(name)
        #expect(!directory.exists("d"))
        try parent.borrowed.removeTree(name)
    }

    @Test func `takes more names than are held in memory at once`() throws {
        try directory.directory("d/inner")
        for path in ["d", "d/inner"] {
            let opened = try HostPath.open(directory[path], [.readOnly, .directory])
            for number in 0..<10_500 { try opened.borrowed.makeDirectory("\(number)", mode: 0) }
        }
        let parent = try parent()
        try parent.borrowed.removeTree(try #require(FileName("d")))
        #expect(!directory.exists("d"))
    }

    @Test func `follows no link`() throws {
        try directory.file("kept/file")
        try directory.directory("d/inner")
        #expect(symlink("\(directory.path)/kept", "\(directory.path)/d/link") == 0)
        #expect(symlink("\(directory.path)/kept", "\(directory.path)/d/inner/link") == 0)
        let parent = try parent()
        try parent.borrowed.removeTree(try #require(FileName("d")))
        #expect(!directory.exists("d"))
        #expect(directory.exists("kept/file"))
    }

    @Test func `passes by modes that keep the owner out`() throws {
        try directory.file("d/none/file")
        try directory.file("d/none/inner/file")
        try directory.file("d/readable/inner/file")
        for name in ["d/none/inner", "d/none", "d/readable/inner", "d/readable", "d"] {
            let path = "\(directory.path)/\(name)"
            #expect(chmod(path, name.contains("none") ? 0 : 0o555) == 0)
        }
        #expect(chmod(directory.path, 0o777) == 0)
        let name = try #require(FileName("d"))
        let path = directory.path
        let outcome = try ForkedProcess.run(within: 10_000_000_000) {
            let isOther =
                getuid() != 0 || chownAll(path) && (try? Credentials.setUser(54321)) != nil
            guard isOther, let parent = try? HostPath.open(path, [.readOnly, .directory]) else {
                return [1]
            }
            do {
                try parent.borrowed.removeTree(name)
                return [0]
            } catch {
                return [2] + Array("\(error)".utf8)
            }
        }
        #expect(outcome == .finished([0]))
        #expect(!directory.exists("d"))
    }
}

private func chownAll(_ path: String) -> Bool {
    ["", "/none", "/none/file", "/none/inner", "/none/inner/file", "/readable", "/readable/inner"]
        .allSatisfy { lchown("\(path)/d\($0)", 54321, 54321) == 0 }
}
