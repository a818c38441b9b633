import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct `Files of the host` {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 100_000])
    func `are read whole`(_ size: Int) throws {
        let text = String(repeating: "x", count: size)
        #expect(try HostPath.read(try directory.file("file", text)).count == size)
    }

    @Test func `are not read beyond the limit`() throws {
        let path = try directory.file("file", String(repeating: "x", count: 5000))
        #expect(try HostPath.read(path, limit: 5000).count == 5000)
        #expect(
            errno { () throws(Errno) in try HostPath.read(path, limit: 4999) } == .fileTooLarge)
    }

    @Test func `without a size are read to their end`() throws {
        #expect(try HostPath.read("/proc/self/status").starts(with: Array("Name:".utf8)))
    }

    @Test func `that have no end are not read for ever`() {
        #expect(
            errno { () throws(Errno) in try HostPath.read("/dev/zero", limit: 1 << 20) }
                == .fileTooLarge)
    }

    @Test func `that cannot be replaced leave nothing beside them`() throws {
        try directory.directory("file/full")
        let folder = try HostPath.open(directory.path, [.readOnly, .directory])
        #expect(
            errno { () throws(Errno) in
                try folder.borrowed.replaceFile("file", with: [1], mode: 0o600)
            } == .isDirectory)
        #expect(try folder.borrowed.entries() == ["file"])
    }

    @Test func `are replaced in one go and nothing is left beside them`() throws {
        try directory.file("file", "old", mode: 0o666)
        let folder = try HostPath.open(directory.path, [.readOnly, .directory])
        try folder.borrowed.replaceFile("file", with: Array("new".utf8), mode: 0o600)
        #expect(try directory.text("file") == "new")
        #expect(try FileStatus.of(path: directory["file"]).permissions == 0o600)
        #expect(try entries(directory.path) == ["file"])
    }

    @Test func `have directories made for them`() throws {
        try HostPath.makeDirectories(directory["a/b/c"], mode: 0o700)
        try HostPath.makeDirectories(directory["a/b/c"], mode: 0o700)
        #expect(try FileStatus.of(path: directory["a/b/c"]).permissions == 0o700)
        try directory.file("file")
        #expect(
            errno { () throws(Errno) in
                try HostPath.makeDirectories(directory["file/x"], mode: 0o700)
            } == .notDirectory)
    }

    @Test func `are locked by one writer or many readers`() throws {
        let path = try directory.file("file")
        let one = try HostPath.open(path, .readOnly)
        let other = try HostPath.open(path, .readOnly)
        try one.borrowed.lock(exclusive: false)
        try other.borrowed.lock(exclusive: false)
        #expect(
            errno { () throws(Errno) in try other.borrowed.lock(exclusive: true) } == .wouldBlock)
        _ = consume one
        try other.borrowed.lock(exclusive: true)
    }

    @Test func `have kinds, modes and numbers`() throws {
        let null = try FileStatus.of(path: "/dev/null")
        #expect(null.kind == .characterDevice && null.deviceNumber == .null)
        #expect(null.deviceNumber.description == "1:3")
        #expect(try FileStatus.of(path: directory.path).kind == .directory)
        #expect(chmod(try directory.file("file"), 0o4755) == 0)
        #expect(try FileStatus.of(path: directory["file"]).permissions == 0o4755)
        let proc = try HostPath.open("/proc", [.path, .directory])
        #expect(try FileSystemMagic.of(proc.borrowed) == .procfs)
        #expect(!proc.borrowed.isOnReadOnlyFileSystem)
    }

    @Test func `that failed are told with call, object and the kernel's word`() {
        let error = Failure("openat2", "\"/x\"", .noSuchFileOrDirectory)
        #expect(error.description == "openat2 \"/x\": no such file or directory")
        #expect(
            Failure("setsid", "", .notPermitted).description
                == "setsid: operation not permitted")
    }

    @Test func `that are temporary keep what is written`() throws {
        let file = try TemporaryFile.create("test")
        try file.borrowed.write(all: Array("text".utf8))
        #expect(try file.borrowed.readFromStart() == Array("text".utf8))
        #expect(try file.borrowed.readFromStart() == Array("text".utf8))
    }
}
