import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite(.enabled(if: geteuid() == 0, "mounting needs root"))
struct `Mounts that hang nowhere` {
    private func tmpfs(_ attributes: MountAttributes = []) throws -> DetachedMount {
        let context = try FileSystemContext("tmpfs")
        try context.set("size", "64k")
        try context.create()
        return try context.mount(attributes)
    }

    private func flags(_ mount: borrowing DetachedMount) -> UInt {
        var found = statvfs()
        return fstatvfs(mount.borrowed.rawValue, &found) == 0 ? UInt(found.f_flag) : .max
    }

    @Test func `are trees already`() throws {
        let mount = try tmpfs()
        try mount.borrowed.makeDirectory("folder", mode: 0o755)
        let folder = try mount.borrowed.open("folder", [.path, .directory])
        #expect(try FileStatus.of(folder.borrowed).kind == .directory)
    }

    /// Bits of `ST_*` in statvfs(3).
    static let attributes: [(attribute: MountAttributes, bit: UInt)] = [
        (.readOnly, 1), (.noSetUserID, 2), (.noDevices, 4), (.noExecution, 8),
        (.noAccessTime, 1024), (.noDirectoryAccessTime, 2048), (.noSymbolicLinks, 8192),
    ]

    @Test(arguments: attributes)
    func `take attributes and give them back`(
        _ row: (attribute: MountAttributes, bit: UInt)
    ) throws {
        let mount = try tmpfs()
        #expect(flags(mount) & row.bit == 0)
        try mount.setAttributes(set: row.attribute)
        #expect(flags(mount) & row.bit == row.bit)
        let clear = row.attribute == .noAccessTime ? MountAttributes.accessTimeMask : row.attribute
        try mount.setAttributes(set: [], clear: clear)
        #expect(flags(mount) & row.bit == 0)
        let other = try tmpfs(row.attribute)
        #expect(flags(other) & row.bit == row.bit)
    }

    @Test func `change their access times from any value to any other`() throws {
        let mount = try tmpfs()
        let relative: UInt = 4096
        #expect(flags(mount) & relative != 0)
        try mount.setAttributes(set: .strictAccessTime)
        #expect(flags(mount) & (relative | 1024) == 0)
        try mount.setAttributes(set: .noAccessTime)
        #expect(flags(mount) & 1024 != 0)
        try mount.setAttributes(set: [], clear: .accessTimeMask)
        #expect(flags(mount) & relative != 0)
    }

    @Test func `that are read-only cannot be written`() throws {
        let mount = try tmpfs(.readOnly)
        #expect(
            errno { () throws(Errno) in try mount.borrowed.makeDirectory("x", mode: 0o755) }
                == .readOnlyFileSystem)
        #expect(mount.borrowed.isOnReadOnlyFileSystem)
    }

    @Test func `are mounts of their own`() throws {
        let one = try tmpfs()
        let other = try tmpfs()
        #expect(try one.borrowed.mountID() != 0)
        #expect(try one.borrowed.mountID() != other.borrowed.mountID())
    }

    @Test func `can be clones of what is mounted`() throws {
        let directory = try TemporaryDirectory()
        try directory.file("file", "text")
        let clone = try DetachedMount.clone(directory.path, recursive: false)
        try clone.setAttributes(set: .readOnly)
        let file = try clone.borrowed.open("file", .readOnly)
        #expect(try file.borrowed.readAll() == Array("text".utf8))
        #expect(
            errno { () throws(Errno) in try clone.borrowed.makeDirectory("x", mode: 0o755) }
                == .readOnlyFileSystem)
        try directory.directory("still-writable")
    }

    @Test func `are attached to an opened directory, in this thread's mount namespace`() throws {
        let directory = try TemporaryDirectory()
        try withPrivateMounts {
            let target = try HostPath.open(directory.path, [.path, .directory])
            let mount = try tmpfs()
            try mount.attach(to: target.borrowed)
            try directory.file("hidden", "on the mount")
            #expect(directory.exists("hidden"))
        }
        #expect(!directory.exists("hidden"), "the mount reached the host")
    }

    @Test func `of a directory that is no mount's root take no attributes`() throws {
        let directory = try TemporaryDirectory()
        let folder = try HostPath.open(directory.path, [.path, .directory])
        #expect(
            errno { () throws(Errno) in try folder.borrowed.setMountAttributes(set: .readOnly) }
                == .invalidArgument)
        #expect(
            errno { () throws(Errno) in try folder.borrowed.setMountAttributes(set: []) } == nil)
    }
}

@Suite(.enabled(if: geteuid() == 0, "mounting needs root"))
struct `File systems being configured` {
    @Test func `of a kind nobody knows do not exist`() {
        #expect(
            errno { () throws(Errno) in try FileSystemContext("nofs") }
                == .operationNotSupportedByDevice)
    }

    @Test func `say in the kernel's words what they do not like`() throws {
        let context = try FileSystemContext("tmpfs")
        #expect(errno { () throws(Errno) in try context.set("colour", "red") } == .invalidArgument)
        #expect(context.messages() == ["tmpfs: Unknown parameter 'colour'"])
        #expect(context.messages() == [], "messages are read once")
        #expect(errno { () throws(Errno) in try context.set("size", "big") } == .invalidArgument)
        #expect(context.messages() == ["tmpfs: Bad value for 'size'"])
        #expect(errno { () throws(Errno) in try context.set("colour") } == .invalidArgument)
        #expect(context.messages() == ["tmpfs: Unknown parameter 'colour'"])
    }

    @Test func `take values of up to 255 bytes and are silent about longer ones`() throws {
        let context = try FileSystemContext("tmpfs")
        let longest = String(repeating: "x", count: 255)
        #expect(errno { () throws(Errno) in try context.set("source", longest) } == nil)
        let other = try FileSystemContext("tmpfs")
        #expect(
            errno { () throws(Errno) in try other.set("source", longest + "x") }
                == .invalidArgument)
        #expect(other.messages() == [])
    }

    @Test func `are not mounted before they are made`() throws {
        let context = try FileSystemContext("tmpfs")
        #expect(errno { () throws(Errno) in try context.mount() } == .invalidArgument)
    }
}
