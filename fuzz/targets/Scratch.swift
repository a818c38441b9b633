import Glibc
import LinuxSystem
import SystemPackage

/// The directory of one input: `inside` is what the code under test is given, and beside it lies
/// what a link or a `..` would lead to.
struct Scratch: ~Copyable {
    /// Of this process alone.
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

    /// What the code under test may write to.
    var inside: String { "\(path)/inside" }

    /// Open for reading.
    func directory(_ name: String = "inside") throws(Errno) -> OwnedDescriptor {
        try HostPath.open("\(path)/\(name)", [.readOnly, .directory])
    }

    /// A file without a name that holds `bytes`, to be read from its start.
    func file(_ bytes: [UInt8]) throws(Errno) -> OwnedDescriptor {
        let directory = try directory()
        let file = try directory.borrowed.makeNamelessFile(mode: 0o600, readable: true)
        try file.borrowed.write(all: bytes)
        try file.borrowed.moveOffset(to: 0)
        return file
    }

    /// What was beside `inside` is there as it was, and nothing else is.
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

/// Root is refused nothing in its own directory: what is, was an attempt to leave it.
func checkRefused(_ sentence: String) {
    precondition(
        Credentials.effectiveUser != 0 || !sentence.contains("permission denied"), sentence)
}

/// What an input says, taken from its front; zeros behind its end.
struct InputReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// 0 to `limit - 1`.
    mutating func number(below limit: Int) -> Int { Int(byte()) % limit }

    /// A length in a byte, and so many bytes.
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
