import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct `Owned descriptors` {
    /// Both ends of a pipe: the reading end tells whether the writing one is open.
    private struct Pipe: ~Copyable {
        let reading: OwnedDescriptor
        var writing: OwnedDescriptor?

        init() throws {
            var ends: [CInt] = [-1, -1]
            if pipe(&ends) != 0 { throw Errno(rawValue: Glibc.errno) }
            reading = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
            writing = OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
        }

        var isOpen: Bool {
            get throws { try Poll.ready(reading.borrowed).isDisjoint(with: .closed) }
        }
    }

    @Test func `close when their owner goes`() throws {
        var pipe = try Pipe()
        #expect(try pipe.isOpen)
        pipe.writing = nil
        #expect(try !pipe.isOpen)
    }

    @Test func `stay open when they are handed over`() throws {
        var pipe = try Pipe()
        let released = pipe.writing.take()?.release()
        #expect(try pipe.isOpen)
        try released?.close()
        #expect(try !pipe.isOpen)
    }

    @Test func `are all close-on-exec`() throws {
        func isCloseOnExec(_ file: FileDescriptor) -> Bool {
            fcntl(file.rawValue, F_GETFD) & FD_CLOEXEC != 0
        }
        let directory = try TemporaryDirectory()
        let folder = try HostPath.open(directory.path, [.path, .directory])
        #expect(isCloseOnExec(folder.borrowed))
        let copy = try OwnedDescriptor.duplicate(folder.borrowed)
        #expect(isCloseOnExec(copy.borrowed) && copy.borrowed.rawValue >= 3)
        let made = try folder.borrowed.open("file", [.create, .writeOnly], mode: 0o600)
        #expect(isCloseOnExec(made.borrowed))
        let memory = try TemporaryFile.create("test")
        #expect(isCloseOnExec(memory.borrowed))
        let root = RootDirectory(consume folder)
        let opened = try root.open("file", .path)
        #expect(isCloseOnExec(opened.borrowed))
        let process = try CurrentProcess.open()
        #expect(isCloseOnExec(process.borrowed))
        let pair = try Channel.Pair()
        #expect(isCloseOnExec(pair.near.borrowed) && isCloseOnExec(pair.far.borrowed))
    }

    @Test func `of files that are missing are errors`() {
        #expect(
            errno { () throws(Errno) in try HostPath.open("/nonexistent", .readOnly) }
                == .noSuchFileOrDirectory)
        let bad = FileDescriptor(rawValue: -1)
        #expect(
            errno { () throws(Errno) in try OwnedDescriptor.duplicate(bad) } == .badFileDescriptor)
    }

    @Test func `follow no link at the end of a name`() throws {
        let directory = try TemporaryDirectory()
        try directory.link("link", to: "/etc/passwd")
        let folder = try HostPath.open(directory.path, [.path, .directory])
        #expect(
            errno { () throws(Errno) in try folder.borrowed.open("link", .readOnly) }
                == .tooManySymbolicLinkLevels)
        #expect(try folder.borrowed.linkTarget("link") == "/etc/passwd")
        #expect(try FileStatus.of("link", in: folder.borrowed).kind == .symbolicLink)
    }
}
