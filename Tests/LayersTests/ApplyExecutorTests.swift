import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Layers

/// Steps of an apply that a process carries out which another one has begun, or while the host changes
/// the tree.
struct ApplyExecutorTests {
    private let directory: TemporaryDirectory
    private let tree: AppliedTree
    private let store: ApplyStore
    private let own: OwnTimes

    init() throws {
        directory = try TemporaryDirectory()
        tree = try AppliedTree(try directory.directory("tree"))
        let path = try directory.directory("store")
        store = ApplyStore(
            LayerDirectory(try HostPath.open(path, [.readOnly, .directory]), layer: 0), path: path)
        own = try OwnTimes(
            try HostPath.open(directory["own"], [.readWrite, .create, .append], mode: 0o600),
            path: directory["own"])
    }

    private func executor(
        isResumed: Bool, conflict: @escaping (FileStatus) -> String? = { _ in nil }
    ) -> ApplyExecutor {
        ApplyExecutor(tree, store, own, isResumed: isResumed, conflict: conflict)
    }

    private func identity(_ name: String) throws -> FileIdentity {
        FileIdentity(try FileStatus.of(path: directory[name]))
    }

    private func read(_ name: String) throws -> String {
        let file = try HostPath.open(directory[name], .readOnly)
        return String(decoding: try file.borrowed.readAll(limit: 1000), as: UTF8.self)
    }

    private func rename(_ name: String, to other: String) {
        #expect(Glibc.rename(directory[name], directory[other]) == 0)
    }

    /// Another file of the same size, with the time of the one that it replaces.
    private func edit(_ name: String, _ text: String) throws {
        let time = try FileStatus.of(path: directory[name]).modified
        try directory.file(name, text)
        let both = [Int(time.seconds), Int(time.nanoseconds)]
        let times = [
            timespec(tv_sec: both[0], tv_nsec: both[1]),
            timespec(tv_sec: both[0], tv_nsec: both[1]),
        ]
        #expect(utimensat(AT_FDCWD, directory[name], times, 0) == 0)
    }

    private let path = LayerPath(bytes: Array("file".utf8))

    /// A step that replaces `tree/file`; with `new` in the store, under the number 1.
    private func replacing() throws -> ApplyStep {
        try directory.file("tree/file", "old")
        try directory.file("store/1", "new")
        try own.note(FileStatus.of(path: directory["store/1"]))
        return .replace(
            path: path, number: 1, new: try identity("store/1"), old: try identity("tree/file"))
    }

    /// As by a process that was killed between the rename and the look at what it has taken.
    private func exchange() throws {
        rename("tree/file", to: "spare")
        rename("store/1", to: "tree/file")
        rename("spare", to: "store/1")
    }

    @Test func `what a killed process has taken out unseen goes back`() throws {
        let step = try replacing()
        try exchange()
        // The file that was there in place of the expected one.
        try directory.file("another", "host")
        rename("another", to: "store/1")
        var executor = executor(isResumed: true)
        guard case .conflict = try executor.carryOut(step) else {
            Issue.record("it is not refused")
            return
        }
        #expect(try read("tree/file") == "host" && read("store/1") == "new")
        // Done right, it stays.
        try directory.file("tree/file", "old")
        let again = ApplyStep.replace(
            path: path, number: 1, new: try identity("store/1"), old: try identity("tree/file"))
        try exchange()
        #expect(try executor.carryOut(again) == nil)
        #expect(try read("tree/file") == "new" && read("store/1") == "old")
    }

    @Test func `what a killed process has removed unseen goes back`() throws {
        try directory.file("tree/file", "old")
        let step = ApplyStep.delete(path: path, number: 1, old: try identity("tree/file"))
        try directory.file("store/1", "host, longer")
        #expect(unlink(directory["tree/file"]) == 0)
        var executor = executor(isResumed: true)
        guard case .conflict = try executor.carryOut(step) else {
            Issue.record("it is not refused")
            return
        }
        #expect(try read("tree/file") == "host, longer" && !directory.exists("store/1"))
    }

    @Test func `a link that takes the place of a directory is not followed`() throws {
        try directory.file("store/1", "new")
        try directory.file("outside/file", "old")
        let inner = LayerPath(bytes: Array("d/file".utf8))
        let new = try identity("store/1")
        let old = try identity("outside/file")
        try directory.link("tree/d", to: directory["outside"])
        for step in [
            ApplyStep.replace(path: inner, number: 1, new: new, old: old),
            .delete(path: inner, number: 2, old: old),
            .add(path: LayerPath(bytes: Array("d/new".utf8)), number: 1, new: new),
        ] {
            var executor = executor(isResumed: false)
            #expect(try executor.carryOut(step) != nil)
        }
        #expect(try read("outside/file") == "old" && read("store/1") == "new")
        #expect(!directory.exists("outside/new"))
    }

    @Test func `what comes between an exchange and the exchange back is kept and named`() throws {
        _ = try replacing()
        let expected = try identity("tree/file")
        let own = try identity("store/1").inode
        try directory.file("host", "host")
        try directory.file("newest", "newest")
        rename("host", to: "tree/file")
        let refusal = try executor(isResumed: false).take(
            try #require(FileName("file")), in: tree.root, as: ApplyStore.name(1), .exchange(own),
            expected, isDone: false, else: ApplyExecutor.changed
        ) { _ in
            rename("newest", to: "tree/file")
            return true
        }
        guard case .conflict(let words)? = refusal else {
            Issue.record("it is not refused")
            return
        }
        #expect(words.contains("lies in \"\(directory["store/1"])\""), "\(words)")
        #expect(try read("tree/file") == "host" && read("store/1") == "newest")
    }

    @Test func `what cannot be looked at goes back`() throws {
        try directory.file("tree/file/inner", "old")
        try directory.file("store/1", "new")
        let step = ApplyStep.replace(
            path: path, number: 1, new: try identity("store/1"), old: try identity("tree/file"))
        // Deeper than a scan goes.
        let bottom = try HostPath.open(directory["tree/file"], [.readOnly, .directory])
        var last = try OwnedDescriptor.duplicate(bottom.borrowed)
        for _ in 0..<4200 {
            try last.borrowed.makeDirectory("d", mode: 0o755)
            last = try last.borrowed.open("d", [.readOnly, .directory])
        }
        var executor = executor(isResumed: false) { _ in nil }
        guard try executor.carryOut(step) != nil else {
            Issue.record("it is not refused")
            return
        }
        #expect(directory.exists("tree/file/inner") && directory.exists("store/1"))
        try tree.root.borrowed.removeTree("file")
    }

    @Test func `an edit after a kill is not taken for an apply's own`() throws {
        try directory.file("store/1", "new")
        try own.note(FileStatus.of(path: directory["store/1"]))
        let step = ApplyStep.add(path: path, number: 1, new: try identity("store/1"))
        rename("store/1", to: "tree/file")
        try directory.file("tree/file", "edited on the host")
        var executor = executor(isResumed: true)
        #expect(try executor.carryOut(step) == nil)
        #expect(try executor.takeBack(step, isForced: false) != nil)
        #expect(try read("tree/file") == "edited on the host")
        #expect(try executor.takeBack(step, isForced: true) == nil)
        #expect(!directory.exists("tree/file"))
    }

    @Test func `a file that has another time of change is another one after a kill, too`() throws {
        let step = try replacing()
        try edit("tree/file", "OLD")
        var executor = executor(isResumed: true)
        #expect(try executor.carryOut(step) != nil)
        #expect(try read("tree/file") == "OLD")
    }

    @Test(arguments: [false, true])
    func `attributes of a changed file stay, but for those that a killed process has set`(
        _ isResumed: Bool
    ) throws {
        try directory.file("tree/file", "old")
        let old = try identity("tree/file")
        let before = FileAttributes(try FileStatus.of(path: directory["tree/file"]))
        var after = before
        after.mode = 0o600
        let step = ApplyStep.attributes(path: path, old: old, before: before, after: after)
        // As a killed process has left it, or the host.
        #expect(chmod(directory["tree/file"], 0o600) == 0)
        var executor = executor(isResumed: isResumed)
        #expect(try (executor.carryOut(step) == nil) == isResumed)
    }

    @Test func `an undo that was killed gives back what it has taken unseen`() throws {
        let step = try replacing()
        var first = executor(isResumed: false)
        #expect(try first.carryOut(step) == nil)
        try exchange()
        try directory.file("another", "host")
        rename("another", to: "store/1")
        // In the tree lies the old file again, and in the store a third one.
        var second = executor(isResumed: true)
        #expect(try second.takeBack(step, isForced: false) != nil)
        #expect(try read("tree/file") == "host" && read("store/1") == "old")
    }

    @Test func `an added file that the host has replaced is not removed again`() throws {
        try directory.file("store/1", "new")
        let step = ApplyStep.add(path: path, number: 1, new: try identity("store/1"))
        // Taken by a process that was killed before it looked.
        try directory.file("another", "host")
        rename("another", to: "store/1")
        var executor = executor(isResumed: true)
        #expect(try executor.takeBack(step, isForced: false) != nil)
        #expect(try read("tree/file") == "host" && !directory.exists("store/1"))
    }

    @Test func `a file that is missing from the store is told`() throws {
        let step = try replacing()
        try exchange()
        #expect(unlink(directory["store/1"]) == 0)
        var executor = executor(isResumed: false)
        #expect(try executor.takeBack(step, isForced: false) != nil)
    }
}
