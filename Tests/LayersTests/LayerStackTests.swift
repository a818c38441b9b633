import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Layers

/// Overlayfs's rules, on directories of the test's own: no mount, no privilege.
struct LayerStackTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Top first.
    private func stack(_ names: String...) throws -> LayerStack {
        var roots: [LayerDirectory] = []
        for name in names {
            let opened = try HostPath.open(
                try directory.directory(name), [.readOnly, .directory])
            roots.append(LayerDirectory(opened, layer: roots.count))
        }
        return LayerStack(roots, marks: .user)
    }

    private func mark(_ path: String, _ name: String, _ value: String = "") throws {
        let file = try HostPath.open(directory[path], .readOnly)
        try file.borrowed.setAttribute("user.overlay." + name, Array(value.utf8), of: .itself)
    }

    /// Every path of the walk, whiteouts with a `-` in front.
    private func walk(
        _ stack: LayerStack, _ extent: TreeWalk.Extent, uppers: Int = 1
    ) throws -> [String] {
        var walk = TreeWalk(stack, extent, uppers: uppers)
        var found: [String] = []
        while let node = try walk.next() {
            if node.path == .root { continue }
            let mark = node.found == nil ? "-" : node.isOpaque ? "=" : ""
            found.append(mark + node.path.text)
        }
        return found
    }

    @Test func `layers make one tree, names in order`() throws {
        try directory.file("low/a", "low")
        try directory.file("low/d/b")
        try directory.file("high/a", "high")
        try directory.file("high/d/a")
        try directory.file("high/c")
        #expect(
            try walk(try stack("high", "low"), .merged) == ["/a", "/c", "/d", "/d/a", "/d/b"])
        #expect(try walk(try stack("high", "low"), .standalone) == ["/a", "/c", "/d", "/d/a"])
    }

    @Test func `a whiteout hides what is below and nothing above`() throws {
        try directory.file("low/a")
        try directory.file("low/d/b")
        try directory.file("middle/a")
        try directory.file("middle/d")
        try mark("middle/a", "whiteout")
        try mark("middle/d", "whiteout")
        try directory.file("high/d/c")
        let stack = try stack("high", "middle", "low")
        #expect(try walk(stack, .merged) == ["/d", "/d/c"])
        // Two layers as one: the directory hides what the whiteout has hidden.
        #expect(try walk(stack, .standalone, uppers: 2) == ["-/a", "=/d", "/d/c"])
    }

    /// Snapshots: what one of them removes and a later one makes again hides what lies below both,
    /// whatever has hidden it.
    @Test(arguments: ["whiteout", "file", "link", "parent", "opaque parent"])
    func `a directory over a deletion is opaque in every stack of its layers`(
        _ kind: String
    ) throws {
        try directory.file("low/o/d/secret")
        try directory.file("high/o/d/new")
        switch kind {
        case "whiteout":
            try directory.file("middle/o/d")
            try mark("middle/o/d", "whiteout")
        case "file": try directory.file("middle/o/d", "text")
        case "link":
            try directory.directory("middle/o")
            let parent = try HostPath.open(directory["middle/o"], [.readOnly, .directory])
            try parent.borrowed.makeSymbolicLink("d", to: "elsewhere")
        case "parent":
            try directory.file("middle/o")
            try mark("middle/o", "whiteout")
        default:
            try directory.directory("middle/o")
            try mark("middle/o", "opaque", "y")
        }
        let stack = try stack("high", "middle", "low")
        #expect(try walk(stack, .merged) == ["/o", "/o/d", "/o/d/new"])
        let isParent = kind.hasSuffix("parent")
        let expected = isParent ? ["=/o", "/o/d", "/o/d/new"] : ["/o", "=/o/d", "/o/d/new"]
        #expect(try walk(stack, .standalone, uppers: 2) == expected)
        // The upper alone hides nothing of the snapshot below it.
        #expect(try walk(stack, .standalone) == ["/o", "/o/d", "/o/d/new"])
        var comparison = Comparison(stack, uppers: 2)
        var lines: [String] = []
        while let change = try comparison.next() {
            if change.kind != .unchanged { lines.append(change.line) }
        }
        #expect(
            lines == [isParent ? "M /o/  emptied first" : "M /o/d/  emptied first"]
                + (isParent ? ["A /o/d/"] : []) + ["A /o/d/new"])
    }

    @Test func `an opaque directory hides what is below it`() throws {
        try directory.file("low/d/b/x")
        try directory.file("high/d/b/y")
        try mark("high/d/b", "opaque", "y")
        try mark("high/d", "opaque", "x")
        let stack = try stack("high", "low")
        #expect(try walk(stack, .merged) == ["/d", "=/d/b", "/d/b/y"])
        #expect(try walk(stack, .standalone) == ["/d", "=/d/b", "/d/b/y"])
    }

    @Test func `a directory that was moved is looked for where it was`() throws {
        try directory.file("low/a/b/x")
        try directory.file("low/a/c/z")
        try directory.directory("high/n/m")
        try directory.file("high/n/m/y")
        try mark("high/n", "redirect", "/a")
        try mark("high/n/m", "redirect", "b")
        try directory.file("high/a")
        try mark("high/a", "whiteout")
        let stack = try stack("high", "low")
        #expect(
            try walk(stack, .merged) == [
                "/n", "/n/b", "/n/b/x", "/n/c", "/n/c/z", "/n/m", "/n/m/x", "/n/m/y",
            ])
        var comparison = Comparison(stack)
        var lines: [String] = []
        while let change = try comparison.next() {
            if change.kind != .unchanged { lines.append(change.line) }
        }
        #expect(lines == ["D /a/", "R /n/  was /a/", "R /n/m/  was /a/b/", "A /n/m/y"])
    }

    @Test func `a redirect that leads out is an error`() throws {
        try directory.file("low/a/x")
        try directory.directory("high/n")
        for hostile in ["/../a", "..", "/a/../a", "a/b", "/"] {
            try mark("high/n", "redirect", hostile)
            let stack = try stack("high", "low")
            #expect(throws: Failure.self, "\(hostile)") { try walk(stack, .merged) }
        }
        // It is a note of the kernel's in this mount's prefix alone.
        let other = LayerStack(try stack("high", "low").roots, marks: .trusted)
        #expect(try walk(other, .merged) == ["/a", "/a/x", "/n"])
    }
}
