import Glibc
import LinuxSystem
import SystemPackage

/// The directory of one input. The code under test gets `inside`. Files beside it are the targets of
/// links and of `..`.
struct Scratch: ~Copyable {
    /// A directory of this process alone.
    nonisolated(unsafe) static var root = ""

    let path: String
    private let fence: FileDescriptor
    private let before: [FileStatus]

    private static let names = ["outside", "outside/file"]

    init() {
        let path = "\(Scratch.root)/\(CurrentProcess.pid)"
        self.path = path
        do throws(Errno) {
            try HostPath.makeDirectories("\(path)/inside", mode: 0o755)
            try HostPath.makeDirectory("\(path)/outside", mode: 0o755)
            let file = try HostPath.open(
                "\(path)/outside/file", [.create, .writeOnly], mode: 0o644)
            try file.borrowed.write(all: Array("outside".utf8))
            before = try Scratch.names.map { name throws(Errno) in
                try FileStatus.of(path: "\(path)/\(name)")
            }
            fence = try HostPath.open(path, [.readOnly, .directory]).release()
        } catch {
            fatalError("the scratch directory \(path): \(error)")
        }
    }

    /// The directory that the code under test may write to.
    var inside: String { "\(path)/inside" }

    /// A descriptor of it, open for reading.
    func directory(_ name: String = "inside") throws(Errno) -> OwnedDescriptor {
        try HostPath.open("\(path)/\(name)", [.readOnly, .directory])
    }

    /// An unnamed file that contains `bytes`, at offset 0.
    func file(_ bytes: [UInt8]) throws(Errno) -> OwnedDescriptor {
        let directory = try directory()
        let file = try directory.borrowed.makeNamelessFile(mode: 0o600, readable: true)
        try file.borrowed.write(all: bytes)
        try file.borrowed.moveOffset(to: 0)
        return file
    }

    /// Checks that the files beside `inside` are unchanged and that no file was added.
    private func check() {
        do throws(Errno) {
            let names = try fence.entries().sorted()
            precondition(names == ["inside", "outside"], "beside the scratch directory: \(names)")
            let others = try fence.entries(of: "outside")
            precondition(others == ["file"], "in the directory outside: \(others)")
            for (name, before) in zip(Scratch.names, before) {
                let now = try FileStatus.of(path: "\(path)/\(name)")
                precondition(
                    now.changed == before.changed && now.inode == before.inode
                        && now.linkCount == before.linkCount, "\(name) was changed")
            }
        } catch {
            fatalError("outside of the scratch directory: \(error)")
        }
    }

    deinit {
        check()
        do throws(Errno) {
            let parent = try HostPath.open(Scratch.root, [.readOnly, .directory])
            guard let name = FileName("\(CurrentProcess.pid)") else { return }
            try parent.borrowed.removeTree(name)
            try fence.closeAfterUse()
        } catch {
            fatalError("the scratch directory \(path) cannot be removed: \(error)")
        }
    }
}

extension FileDescriptor {
    fileprivate func closeAfterUse() throws(Errno) {
        if Glibc.close(rawValue) != 0 { throw Errno(rawValue: errno) }
    }

    fileprivate func entries(of name: String) throws(Errno) -> [String] {
        let directory = try open(name, [.readOnly, .directory])
        return try directory.borrowed.entries()
    }
}

/// Root is denied nothing in its own directory. A denied call tried to leave it.
func checkRefused(_ sentence: String) {
    precondition(
        Credentials.effectiveUser != 0 || !sentence.contains("permission denied"), sentence)
}

/// Reads an input from its front. Behind its end it returns zeros.
struct InputReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number from 0 to `limit - 1`.
    mutating func number(below limit: Int) -> Int { Int(byte()) % limit }

    /// A length of one byte, and that number of bytes.
    mutating func bytes() -> [UInt8] {
        let count = min(Int(byte()), rest.count)
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func all() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }
}
