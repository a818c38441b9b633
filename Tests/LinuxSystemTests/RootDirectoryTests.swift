import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// A root that is not trusted, and a file outside it that must never be reached.
struct Jail {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.file("secret", "outside")
        try directory.directory("outside")
        try directory.file("root/secret", "inside")
        try directory.directory("root/a/b")
    }

    func open() throws -> RootDirectory {
        RootDirectory(try HostPath.open(directory["root"], [.path, .directory]))
    }
}

/// What a call answered with, when it failed.
func errno<Value: ~Copyable>(_ body: () throws(Errno) -> Value) -> Errno? {
    do throws(Errno) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

@Suite struct `A root directory` {
    let jail: Jail

    init() throws {
        jail = try Jail()
    }

    private func read(_ path: String) throws -> String {
        let root = try jail.open()
        let file = try root.open(path, .readOnly)
        return String(decoding: try file.borrowed.readAll(), as: UTF8.self)
    }

    @Test(arguments: [
        "secret", "/secret", "../secret", "/../secret", "a/../../secret", "a/b/../../../secret",
        "../../../../../../../../secret", "./secret", "//secret", "/a/b/../../secret",
    ])
    func `is not left by a path`(_ path: String) throws {
        #expect(try read(path) == "inside")
    }

    @Test(arguments: [
        "/secret", "../secret", "../../secret", "/../../secret", "a/../../secret", "second",
    ])
    func `is not left by a symbolic link`(_ target: String) throws {
        try jail.directory.link("root/link", to: target)
        try jail.directory.link("root/second", to: "../secret")
        #expect(try read("link") == "inside")
        #expect(try read("/a/../link") == "inside")
    }

    @Test func `is not left through a linked directory`() throws {
        try jail.directory.link("root/up", to: "..")
        try jail.directory.link("root/top", to: "/")
        try jail.directory.link("root/host", to: jail.directory.path)
        #expect(try read("up/secret") == "inside")
        #expect(try read("top/up/top/secret") == "inside")
        let root = try jail.open()
        #expect(
            errno { () throws(Errno) in try root.open("host/secret", .readOnly) }
                == .noSuchFileOrDirectory)
    }

    @Test func `follows no magic link of procfs`() throws {
        let root = RootDirectory(try HostPath.open("/proc", [.path, .directory]))
        for path in ["self/root", "self/cwd", "self/exe", "self/fd/0", "self/ns/mnt"] {
            #expect(
                errno { () throws(Errno) in try root.open(path, .path) }
                    == .tooManySymbolicLinkLevels, "\(path)")
        }
        #expect(errno { () throws(Errno) in try root.open("self/status", .readOnly) } == nil)
    }

    @Test func `refuses every link where links are refused`() throws {
        try jail.directory.link("root/link", to: "secret")
        try jail.directory.link("root/folder", to: "a")
        let root = try jail.open()
        for path in ["link", "folder/b", "/folder"] {
            #expect(
                errno { () throws(Errno) in try root.open(path, .path, links: .refuse) }
                    == .tooManySymbolicLinkLevels, "\(path)")
        }
        #expect(errno { () throws(Errno) in try root.open("a/b", .path, links: .refuse) } == nil)
    }

    @Test func `makes no directory outside`() throws {
        try jail.directory.link("root/out", to: jail.directory["outside"])
        try jail.directory.link("root/up", to: "../outside")
        let root = try jail.open()
        _ = try root.makeDirectories("../x/./y//z")
        #expect(jail.directory.exists("root/x/y/z"))
        _ = try root.makeDirectories("/new/../other/.")
        #expect(jail.directory.exists("root/other"))
        _ = errno { () throws(Errno) in try root.makeDirectories("out/new") }
        _ = errno { () throws(Errno) in try root.makeDirectories("up/new") }
        #expect(!jail.directory.exists("outside/new"))
        #expect(
            errno { () throws(Errno) in try root.makeDirectories("up/new", links: .refuse) } != nil)
    }

    @Test func `makes no file outside`() throws {
        try jail.directory.link("root/out", to: jail.directory["outside/new"])
        try jail.directory.link("root/up", to: "../outside")
        let root = try jail.open()
        _ = errno { () throws(Errno) in try root.makeFile("out") }
        _ = errno { () throws(Errno) in try root.makeFile("up/new") }
        _ = errno { () throws(Errno) in try root.makeFile("../../outside/new") }
        #expect(!jail.directory.exists("outside/new"))
        _ = try root.makeFile("deep/er/file")
        let status = try FileStatus.of(path: jail.directory["root/deep/er/file"])
        #expect(status.kind == .regular && status.size == 0)
    }

    @Test func `takes what exists as it is and does not wait for a fifo`() throws {
        #expect(mkfifo(jail.directory["root/fifo"], 0o600) == 0)
        let root = try jail.open()
        let fifo = try root.makeFile("fifo")
        #expect(try FileStatus.of(fifo.borrowed).kind == .fifo)
        let folder = try root.makeFile("a/b")
        #expect(try FileStatus.of(folder.borrowed).kind == .directory)
        let file = try root.makeFile("secret")
        #expect(try FileStatus.of(file.borrowed).size == 6)
    }

    @Test func `says when a file stands where a directory should`() throws {
        let root = try jail.open()
        #expect(
            errno { () throws(Errno) in try root.makeDirectories("secret/x") } == .notDirectory)
        #expect(errno { () throws(Errno) in try root.makeFile("secret/x") } == .notDirectory)
    }

    @Test func `splits a path into a parent and a name`() throws {
        let root = try jail.open()
        let parent = try root.makeParent(of: "/new/./name/")
        #expect(parent.name == "name")
        #expect(jail.directory.exists("root/new") && !jail.directory.exists("root/new/name"))
        let top = try root.makeParent(of: "/")
        #expect(top.name.isEmpty)
        let one = try FileStatus.of(top.directory.borrowed)
        #expect(one.inode == (try FileStatus.of(path: jail.directory["root"])).inode)
    }

    @Test func `makes what a link that leads nowhere names`() throws {
        try jail.directory.link("root/one", to: "a/two/x")
        try jail.directory.link("root/a/two", to: "../../three/./four/..")
        try jail.directory.link("root/five", to: "/one/file")
        let root = try jail.open()
        _ = try root.makeDirectories("one/y")
        #expect(jail.directory.exists("root/three/x/y") && jail.directory.exists("root/three/four"))
        _ = try root.makeFile("/five/")
        #expect(try FileStatus.of(path: jail.directory["root/three/x/file"]).kind == .regular)
    }

    @Test func `follows as many links as the kernel`() throws {
        try jail.directory.link("root/link0", to: "end")
        for number in 1..<42 {
            try jail.directory.link("root/link\(number)", to: "link\(number - 1)")
        }
        let root = try jail.open()
        #expect(
            errno { () throws(Errno) in try root.makeFile("link40") } == .tooManySymbolicLinkLevels)
        #expect(
            errno { () throws(Errno) in try root.makeDirectories("link40") }
                == .tooManySymbolicLinkLevels)
        #expect(!jail.directory.exists("root/end"))
        _ = try root.makeDirectories("link39")
        #expect(jail.directory.exists("root/end"))
    }

    /// A stack of 64 KiB is a tenth of what resolving by recursion would take.
    @Test(arguments: [false, true])
    func `needs no stack for long paths and many links`(_ isFile: Bool) throws {
        let long = String(repeating: "/d", count: 2040)
        let most = 30
        for number in 0..<most {
            try jail.directory.link("root/link\(number)", to: "link\(number + 1)" + long)
        }
        try jail.directory.link("root/link\(most)", to: "nowhere")
        let root = try jail.open()
        var found: Errno?
        onSmallStack {
            found = errno { () throws(Errno) in
                isFile ? try root.makeFile("link0") : try root.makeDirectories("link0")
            }
        }
        #expect(found == .fileNameTooLong)
        #expect(!jail.directory.exists("root/nowhere"))
    }

    @Test func `makes a path of the greatest length`() throws {
        let root = try jail.open()
        let most = String(repeating: "/d", count: 2047)
        _ = try root.makeDirectories(most)
        #expect(try root.open(most, .path).borrowed.rawValue >= 0)
        // One name more is the kernel's own error.
        #expect(
            errno { () throws(Errno) in try root.makeDirectories(most + "/d") }
                == .fileNameTooLong)
    }
}

/// Runs `body` on a thread with a stack of 64 KiB, which ends the test where it does not do.
private func onSmallStack(_ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 64 << 10)
        defer { pthread_attr_destroy(&attributes) }
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { pointer in
                if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        #expect(result == 0)
        pthread_join(thread, nil)
    }
}

private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
