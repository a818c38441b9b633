import LinuxSystem
import Overlay
import SystemPackage
import TestSupport
import Testing

/// Overlays that can be mounted show the same tree, whichever way the kernel was told.
@Suite struct `Overlay trees` {
    let fixture: OverlayFixture

    init() throws {
        fixture = try OverlayFixture()
    }

    /// Mounts in a mount namespace of its own and answers what `look` sees.
    private func mounted<Seen>(
        _ names: [String], writable: Bool = true, options: [String] = [],
        _ interface: OverlayInterface, _ look: @escaping (borrowing RootDirectory) throws -> Seen
    ) throws -> Seen {
        try fixture.directory.directory("target")
        return try withPrivateMounts {
            let overlay = OverlayMount(
                lowers: try names.map { try fixture.open(fixture.directory[$0]) },
                upper: writable ? try fixture.make("upper") : nil,
                work: writable ? try fixture.make("work") : nil, options: options)
            let target = try fixture.open(fixture.directory["target"])
            let root = try overlay.mount(on: target.borrowed, interfaces: [interface])
            return try look(RootDirectory(root))
        }
    }

    @Test(
        .enabled(
            if: OverlayInterface.supported.count == 3,
            "this kernel takes no layers by descriptor (6.13) or by lowerdir+ (6.7)"))
    func `this kernel knows every way, so every way is tested`() {
        #expect(OverlayInterface.supported == [.descriptors, .paths, .optionString])
    }

    static let names = [
        "plain", "with space", "a:b", ":", "a:", "a,b", "a\\b", "a\\:b\\,c", "quote\"'", "é😀",
        "%s\n", "-o", "upperdir=x,lowerdir=y", String(repeating: "long", count: 60),
    ]

    @Test(arguments: names, OverlayInterface.supported)
    func `a path needs no escaping`(_ name: String, _ interface: OverlayInterface) throws {
        try fixture.directory.file("\(name)/one/from", "bottom")
        try fixture.directory.file("\(name)/two/from", "top")
        let seen = try mounted(["\(name)/one", "\(name)/two"], interface) {
            try text("from", in: $0)
        }
        #expect(seen == "top")
    }

    @Test(arguments: OverlayInterface.supported)
    func `a path may be longer than 255 bytes`(_ interface: OverlayInterface) throws {
        let deep = (0..<4).map { String(repeating: "\($0)", count: 200) }.joined(separator: "/")
        try fixture.directory.file("\(deep)/from", "deep")
        let seen = try mounted([deep], interface) {
            try text("from", in: $0)
        }
        #expect(seen == "deep")
    }

    @Test(arguments: [2, 100, 500], OverlayInterface.supported)
    func `many layers are stacked bottom first`(
        _ count: Int, _ interface: OverlayInterface
    ) throws {
        for number in 0..<count {
            try fixture.directory.file("layers/\(number)/from", "\(number)")
            try fixture.directory.file("layers/\(number)/only\(number)", "\(number)")
        }
        let seen = try mounted((0..<count).map { "layers/\($0)" }, interface) { root in
            [
                try text("from", in: root), try text("only0", in: root),
                try text("only\(count - 1)", in: root), try text("only\(count / 2)", in: root),
            ]
        }
        #expect(seen == ["\(count - 1)", "0", "\(count - 1)", "\(count / 2)"])
    }

    @Test(arguments: OverlayInterface.supported)
    func `what is written lands in the upper and nowhere else`(
        _ interface: OverlayInterface
    ) throws {
        try fixture.directory.file("layer/old", "old")
        try mounted(["layer"], interface) { root in
            let file = try root.open("new", [.create, .writeOnly], mode: 0o600)
            try file.borrowed.write(all: Array("new".utf8))
        }
        #expect(fixture.directory.exists("upper/new"))
        #expect(!fixture.directory.exists("layer/new"))
        #expect(!fixture.directory.exists("target/new"), "it was mounted on the host")
    }

    @Test(arguments: OverlayInterface.supported)
    func `layers alone make a tree that cannot be written`(
        _ interface: OverlayInterface
    ) throws {
        for name in ["one", "two"] { try fixture.directory.file("\(name)/\(name)", name) }
        let error = try mounted(["one", "two"], writable: false, interface) { root -> Errno? in
            do throws(Errno) {
                _ = try root.open("new", [.create, .writeOnly], mode: 0o600)
                return nil
            } catch {
                return error
            }
        }
        #expect(error == .readOnlyFileSystem)
    }

    @Test(arguments: OverlayInterface.supported)
    func `options reach the kernel`(_ interface: OverlayInterface) throws {
        try fixture.directory.file("layer/file", "text")
        try mounted(["layer"], options: ["volatile"], interface) { _ in }
        #expect(fixture.directory.exists("work/work/incompat/volatile"))
    }

    @Test func `the working directory is the old one afterwards`() throws {
        try fixture.directory.file("layer/file", "text")
        let (before, after) = try withPrivateMounts {
            let before = try HostPath.workingDirectory()
            let target = try fixture.make("target")
            _ = try OverlayMount(
                lowers: [try fixture.make("layer")], upper: try fixture.make("upper"),
                work: try fixture.make("work"), options: []
            ).mount(on: target.borrowed, interfaces: [.optionString])
            return (before, try HostPath.workingDirectory())
        }
        #expect(before == after)
    }

    @Test func `a detached overlay is a tree before it is attached`() throws {
        try fixture.directory.file("layer/from", "layer")
        let overlay = OverlayMount(
            lowers: [try fixture.make("layer")], upper: try fixture.make("upper"),
            work: try fixture.make("work"), options: [])
        let mount = try overlay.create()
        let file = try mount.borrowed.open("from", .readOnly)
        #expect(try file.borrowed.readAll() == Array("layer".utf8))
    }
}

private func text(_ name: String, in root: borrowing RootDirectory) throws -> String {
    let file = try root.open(name, .readOnly)
    return String(decoding: try file.borrowed.readAll(), as: UTF8.self)
}
