import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Sandbox

struct KeptSandboxTests {
    private func store(_ body: (SandboxStore) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        try withExtendedLifetime(directory) {
            try body(SandboxStore(root: directory.path + "/data/sandboxes"))
        }
    }

    @Test func `a sandbox without a name gets the lowest number that is free`() throws {
        try store { store in
            #expect(try store.names() == [])
            let first = try store.make(nil)
            let second = try store.make(nil)
            #expect([first, second].map(\.name.text) == ["box-1", "box-2"])
            try store.remove(first)
            #expect(try store.make(nil).name.text == "box-1")
            #expect(try store.names().map(\.text) == ["box-1", "box-2"])
        }
    }

    @Test func `what was written is read again`() throws {
        try store { store in
            let map = IDMap([IDRange(inside: 0, outside: 1_879_048_192, count: 65536)])
            let made = try store.make(
                SandboxName("work"), mappings: IDMappings(users: map, groups: map))
            var record = made.record
            record.trees = [
                KeptSandbox.Tree(
                    path: "/home/u/p", directory: "tree-0",
                    begun: FileTime(seconds: 17, nanoseconds: 5)),
                KeptSandbox.Tree(
                    path: "/srv/base", destination: "/", directory: "tree-1",
                    begun: FileTime(seconds: 17, nanoseconds: 0)),
            ]
            let written = try made.write(record)
            let found = try store.find(SandboxName("work"))
            #expect(found.record == record)
            #expect(written.record == record)
            #expect(found.path(of: record.trees[1]) == "\(store.root)/work/tree-1")
        }
    }

    /// Processes of other pid namespaces may have the same number.
    @Test func `only what nobody is making is removed with a new sandbox`() throws {
        try store { store in
            _ = try store.make(nil)
            let folder = try HostPath.open(store.root, [.readOnly, .directory])
            let (own, _, lock) = try SandboxStore.makeAside(in: folder.borrowed)
            let (other, _, otherLock) = try SandboxStore.makeAside(in: folder.borrowed)
            #expect(own != other)
            withExtendedLifetime(otherLock) {}
            for name in [".new-1", ".new-2"] {
                try folder.borrowed.makeDirectory(name, mode: 0o700)
            }
            let left = try HostPath.open("\(store.root)/.new-2", [.readOnly, .directory])
            _ = try left.borrowed.open("lock", [.writeOnly, .create], mode: 0o600)
            #expect(try store.make(nil).name.text == "box-2")
            let found = try folder.borrowed.entries().filter { $0.hasPrefix(".") }
            #expect(found.contains(own.text) && !found.contains(".new-1"))
            #expect(!found.contains(".new-2"))
            withExtendedLifetime(lock) {}
        }
    }

    @Test func `a sandbox has one user at a time`() throws {
        try store { store in
            let made = try store.make(SandboxName("one"))
            let other = try store.find(SandboxName("one"))
            #expect(try other.isInUse())
            #expect(throws: Failure.self) { try other.lock() }
            try store.remove(made)
            #expect(throws: Failure.self) { try store.find(SandboxName("one")) }
        }
    }

    @Test func `a name is taken once`() throws {
        try store { store in
            _ = try store.make(SandboxName("one"))
            let failure = #expect(throws: Failure.self) { try store.make(SandboxName("one")) }
            #expect(failure?.kind == .taken)
        }
    }

    @Test func `a directory that others may write to is not believed`() throws {
        try store { store in
            let made = try store.make(SandboxName("one"))
            try made.directory.changeMode(".", 0o777)
            let failure = #expect(throws: Failure.self) { try store.find(SandboxName("one")) }
            #expect(failure?.message.contains("others may write to it") == true)
        }
    }

    @Test(arguments: ["{}", "no JSON", #"{"schema": 2, "name": "one"}"#])
    func `a record that cannot be understood is an error`(_ text: String) throws {
        try store { store in
            let made = try store.make(SandboxName("one"))
            try made.directory.replaceFile("sandbox.json", with: Array(text.utf8), mode: 0o600)
            let failure = #expect(throws: Failure.self) { try store.find(SandboxName("one")) }
            #expect(failure?.kind == .damaged)
            // As after a discard that was killed.
            #expect(unlink(store.root + "/one/sandbox.json") == 0)
            let other = #expect(throws: Failure.self) { try store.find(SandboxName("one")) }
            #expect(other?.kind == .damaged)
        }
    }

    @Test(arguments: ["", ".", "..", "a/b", "-a", ".a", "a b", String(repeating: "a", count: 65)])
    func `what is no name of a directory is no name`(_ text: String) {
        #expect(throws: Failure.self) { try SandboxName(text) }
    }

    /// The sandbox of another process may come to be between the list and the lock.
    @Test(.enabled(if: geteuid() == 0, "ranges of ids are root's"))
    func `a range is taken by nobody else once it is locked`() throws {
        let first = try #require(IDSlot.common.users.ranges.first?.outside)
        var asked = 0
        var locked: [UInt32] = []
        let slot = try IDSlot.take { () throws(Failure) in
            asked += 1
            // All that a process with this pid begins with, on the second look.
            if asked > 1 && locked.isEmpty {
                let start = 2048 + UInt32(getpid()) % 2048
                locked = (start..<min(start + 8, 4096)).map { first + $0 * 65536 + 17 }
            }
            return Set(locked)
        }
        let found = try #require(slot.mappings.users.ranges.first?.outside)
        #expect(asked > 2 && !locked.contains { $0 / 65536 == found / 65536 })
    }

    @Test(.enabled(if: geteuid() == 0, "files of other users are root's to make"))
    func `a damaged sandbox keeps its range of ids`() throws {
        try store { store in
            let map = IDMap([IDRange(inside: 0, outside: 1_885_339_648, count: 65536)])
            _ = try store.make(SandboxName("one"), mappings: IDMappings(users: map, groups: map))
            #expect(try store.takenIDs() == [1_885_339_648])
            let place = "\(store.root)/one"
            try HostPath.makeDirectories("\(place)/tree-0/upper", mode: 0o755)
            let opened = try HostPath.open("\(place)/tree-0", [.path, .directory])
            try opened.borrowed.changeOwner("upper", user: 1_885_340_648, group: 0)
            let folder = try HostPath.open(place, [.readOnly, .directory])
            try folder.borrowed.replaceFile("sandbox.json", with: Array("{".utf8), mode: 0o600)
            #expect(try store.takenIDs() == [1_885_340_648])
        }
    }
}
