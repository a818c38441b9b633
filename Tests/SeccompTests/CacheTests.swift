import Glibc
import LinuxSystem
import OCISpec
import SystemPackage
import TestSupport
import Testing

@testable import Seccomp

@Suite struct `The cache of seccomp filters` {
    private let directory: TemporaryDirectory
    private let cache: SeccompCache
    private let profile: Spec.Seccomp

    init() throws {
        directory = try TemporaryDirectory()
        cache = SeccompCache(directory: directory["cache/seccomp"])
        profile = try Profile.read(Array(Self.text.utf8))
    }

    private static let text = """
        {"defaultAction": "SCMP_ACT_ERRNO", "flags": ["SECCOMP_FILTER_FLAG_LOG"],
         "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
        """

    /// The one file in the cache, after a filter was stored.
    private func stored() throws -> String {
        _ = try cache.filter(for: profile)
        let names = try names()
        #expect(names.count == 1)
        return directory["cache/seccomp/\(try #require(names.first))"]
    }

    private func names() throws -> [String] {
        guard let folder = opendir(directory["cache/seccomp"]) else {
            throw Errno(rawValue: errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try HostPath.read(path)
        change(&bytes)
        let file = try HostPath.open(path, [.writeOnly, .truncate])
        try file.borrowed.write(all: bytes)
    }

    @Test func `what was stored first goes when there are too many`() throws {
        _ = try cache.filter(for: profile)
        let folder = try HostPath.open(directory["cache/seccomp"], [.readOnly, .directory])
        var old = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        for number in 0..<SeccompCache.most {
            let path = directory["cache/seccomp/\(number).bpf"]
            _ = try folder.borrowed.open(
                "\(number).bpf", [.create, .exclusive, .writeOnly], mode: 0o600)
            old[1].tv_sec = 1000 + number
            #expect(utimes(path, old) == 0)
        }
        #expect(try names().count == SeccompCache.most + 1)
        let other = try Profile.read(
            Array(Self.text.replacing("read", with: "write").utf8))
        let compiled = try cache.filter(for: other)
        let left = try names()
        #expect(left.count == SeccompCache.most)
        #expect(!left.contains("0.bpf") && !left.contains("1.bpf") && left.contains("2.bpf"))
        #expect(cache.find(other.text[...]) == compiled)
        #expect(cache.find(profile.text[...]) != nil)
    }

    @Test func `a hit is what compiling gives`() throws {
        let compiled = try SeccompCompiler.compile(profile)
        #expect(cache.find(profile.text[...]) == nil)
        #expect(try cache.filter(for: profile) == compiled)
        #expect(cache.find(profile.text[...]) == compiled)
        #expect(try cache.filter(for: profile) == compiled)
        #expect(compiled.flags == 2)
    }

    @Test func `what is stored is for its owner alone`() throws {
        let file = try FileStatus.of(path: try stored())
        #expect(file.permissions == 0o600)
        let folder = try FileStatus.of(path: directory["cache/seccomp"])
        #expect(folder.permissions == 0o700)
        #expect(folder.userID == Credentials.effectiveUser)
    }

    @Test func `a cut file is not used, wherever it is cut`() throws {
        let path = try stored()
        let whole = try HostPath.read(path)
        // Whole instructions may be missing only where none is left.
        let key = whole.count - 4 - (try SeccompCompiler.compile(profile)).program.count
        for count in [0, 1, 7, 8, 20, key - 1, key, key + 3, key + 4, whole.count - 1] {
            try rewrite(path) { $0 = Array(whole[..<count]) }
            #expect(cache.find(profile.text[...]) == nil, "of \(count) bytes")
        }
        try rewrite(path) { $0 = whole }
        #expect(cache.find(profile.text[...]) != nil)
    }

    @Test func `a length that lies is not believed`() throws {
        let path = try stored()
        for lie in [UInt8(0), 1, 0xff] {
            try rewrite(path) { bytes in for index in 0..<8 { bytes[index] = lie } }
            #expect(cache.find(profile.text[...]) == nil)
        }
    }

    @Test func `a damaged key is not used`() throws {
        let path = try stored()
        try rewrite(path) { $0[100] ^= 1 }
        #expect(cache.find(profile.text[...]) == nil)
    }

    @Test func `another profile in a file of the same name is not taken for this one`() throws {
        let path = try stored()
        let other = Self.text.replacing("read", with: "open")
        try rewrite(path) { bytes in
            let old = Array("read".utf8)
            let start = bytes.indices.first { bytes[$0...].starts(with: old) }
            if let start { bytes.replaceSubrange(start..<start + 4, with: Array("open".utf8)) }
        }
        #expect(cache.find(profile.text[...]) == nil)
        #expect(cache.find(Array(other.utf8)[...]) == nil)
        let compiled = try SeccompCompiler.compile(profile)
        #expect(try cache.filter(for: profile) == compiled)
        #expect(cache.find(profile.text[...]) == compiled, "the file was not replaced")
    }

    @Test(arguments: [0o620, 0o602, 0o666] as [UInt32])
    func `a file that others can write is not used`(_ mode: UInt32) throws {
        let path = try stored()
        #expect(chmod(path, mode) == 0)
        #expect(cache.find(profile.text[...]) == nil)
    }

    @Test(arguments: [0o770, 0o707, 0o777] as [UInt32])
    func `a directory that others can write is not used`(_ mode: UInt32) throws {
        _ = try stored()
        #expect(chmod(directory["cache/seccomp"], mode) == 0)
        #expect(cache.find(profile.text[...]) == nil)
        let before = try names()
        let other = try Profile.read(Array((Self.text + " ").replacing("read", with: "write").utf8))
        _ = try cache.filter(for: other)
        #expect(try names() == before, "it was written to")
    }

    @Test(.enabled(if: geteuid() == 0, "giving a file away needs root"))
    func `somebody else's file or directory is not used`() throws {
        let path = try stored()
        #expect(chown(path, 65534, 65534) == 0)
        #expect(cache.find(profile.text[...]) == nil)
        #expect(chown(path, 0, 0) == 0)
        #expect(cache.find(profile.text[...]) != nil)
        #expect(chown(directory["cache/seccomp"], 65534, 65534) == 0)
        #expect(cache.find(profile.text[...]) == nil)
    }

    @Test func `a link or a fifo in its place is not followed and does not hang`() throws {
        let path = try stored()
        #expect(rename(path, directory["elsewhere"]) == 0)
        #expect(symlink(directory["elsewhere"], path) == 0)
        #expect(cache.find(profile.text[...]) == nil)
        #expect(unlink(path) == 0)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(cache.find(profile.text[...]) == nil)
    }

    @Test func `a cache that cannot be written is no error`() throws {
        let file = try directory.file("file")
        let cache = SeccompCache(directory: file + "/cache")
        #expect(try cache.filter(for: profile) == SeccompCompiler.compile(profile))
    }

    @Test func `profiles have files of their own`() throws {
        _ = try stored()
        for name in ["write", "open", "close"] {
            let text = Self.text.replacing("read", with: name)
            _ = try cache.filter(for: try Profile.read(Array(text.utf8)))
        }
        #expect(try names().count == 4)
        #expect(try names().allSatisfy { $0.hasSuffix(".bpf") }, "a temporary file is left")
    }
}
