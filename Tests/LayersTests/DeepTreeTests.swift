import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Layers

@Suite struct `A tree in an upper` {
    /// Every level holds its path and its directories: a tree of no depth took memory as the square
    /// of it.
    @Test func `that is nested too deep is an error`() throws {
        let directory = try TemporaryDirectory()
        let top = try HostPath.open(directory.path, [.readOnly, .directory])
        let name = try #require(FileName(String(repeating: "d", count: 250)))
        let upper = try #require(FileName("upper"))
        try top.borrowed.makeDirectory(upper, mode: 0o700)
        var current = try top.borrowed.open(upper, [.readOnly, .directory])
        let root = LayerDirectory(try OwnedDescriptor.duplicate(current.borrowed), layer: 0)
        for _ in 0..<300 {
            try current.borrowed.makeDirectory(name, mode: 0o700)
            current = try current.borrowed.open(name, [.readOnly, .directory])
        }
        let error = #expect(throws: Failure.self) {
            var walk = TreeWalk(LayerStack([root], marks: .user), .merged)
            while try walk.next() != nil {}
        }
        #expect(error?.message.contains("nested too deep: more than 4096") == true)
        try top.borrowed.removeTree(upper)
    }
}
