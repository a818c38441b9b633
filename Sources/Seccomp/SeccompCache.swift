internal import Glibc
public import LinuxSystem
public import OCISpec
internal import SystemPackage

/// Filters that were compiled before: compiling one takes longer than starting a container.
///
/// The file's name is a hash of the profile, its content the whole profile and the filter: two
/// profiles of one hash cannot be taken for each other, so nobody gains by making them collide.
/// What is not safely ours (owner, mode, kind) is not read.
public struct SeccompCache: Sendable {
    /// Changes when the compiler's output for the same profile changes.
    private static let format = "vfs-run seccomp 4"

    private let directory: String

    /// - Parameter directory: Made, mode 0700, when the first filter is stored.
    public init(directory: String) {
        self.directory = directory
    }

    /// The filter of `profile`: from the cache, or compiled and stored.
    ///
    /// A cache that cannot be read or written is no error.
    public func filter(for profile: Spec.Seccomp) throws(SeccompError) -> SeccompFilter {
        if let found = find(profile.text) { return found }
        let filter = try SeccompCompiler.compile(profile)
        let key = SeccompCache.key(profile.text)
        try? store(SeccompCache.name(key), key, filter)
        return filter
    }

    /// The filter of the profile with this text, nil when it was never compiled here. A profile
    /// that is found has been read and checked before, byte for byte the same.
    public func find(_ text: [UInt8]) -> SeccompFilter? {
        let key = SeccompCache.key(text)
        return try? load(SeccompCache.name(key), key)
    }

    private static func key(_ text: [UInt8]) -> [UInt8] {
        Array("\(format) libseccomp \(SeccompCompiler.libraryVersion)\n".utf8) + text
    }

    /// FNV-1a of 64 bits over words of eight bytes, in hexadecimal.
    private static func name(_ key: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        let words = key.count / 8
        unsafe key.withUnsafeBytes { bytes in
            for index in 0..<words {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                hash = (hash ^ UInt64(littleEndian: word)) &* 0x100_0000_01b3
                hash ^= hash >> 29
            }
        }
        for byte in key[(words * 8)...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16) + ".bpf"
    }

    // The file: the key's length (8 bytes, little-endian), the key, flags (4 bytes), the program.

    private func load(_ name: String, _ key: [UInt8]) throws(Errno) -> SeccompFilter {
        let folder = try HostPath.open(directory, [.path, .directory, .noFollow])
        try SeccompCache.requireOwn(folder.borrowed, .directory)
        let file = try folder.borrowed.open(name, [.readOnly, .nonBlocking])
        try SeccompCache.requireOwn(file.borrowed, .regular)
        let bytes = try file.borrowed.readAll(limit: 4 << 20)
        let start = 8 + key.count
        guard bytes.count > start + 4, bytes[..<8].elementsEqual(SeccompCache.bytes(key.count)),
            SeccompCache.has(key, at: 8, in: bytes), (bytes.count - start - 4) % 8 == 0
        else { throw .invalidArgument }
        let flags = bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return SeccompFilter(program: Array(bytes[(start + 4)...]), flags: flags)
    }

    private func store(
        _ name: String, _ key: [UInt8], _ filter: SeccompFilter
    ) throws(Errno) {
        try HostPath.makeDirectories(directory, mode: 0o700)
        let folder = try HostPath.open(directory, [.readOnly, .directory, .noFollow])
        try SeccompCache.requireOwn(folder.borrowed, .directory)
        var bytes = SeccompCache.bytes(key.count) + key
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(filter.flags >> UInt32(shift) & 0xff)) }
        try folder.borrowed.replaceFile(name, with: bytes + filter.program, mode: 0o600)
    }

    private static func has(_ key: [UInt8], at offset: Int, in bytes: [UInt8]) -> Bool {
        unsafe key.withUnsafeBytes { key in
            unsafe bytes.withUnsafeBytes { bytes in
                guard let one = bytes.baseAddress, let other = key.baseAddress else {
                    return unsafe key.isEmpty
                }
                return unsafe memcmp(one + offset, other, key.count) == 0
            }
        }
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<8).map { UInt8(count >> ($0 * 8) & 0xff) }
    }

    /// Refuses what somebody else could have written.
    private static func requireOwn(_ file: FileDescriptor, _ kind: FileKind) throws(Errno) {
        let status = try FileStatus.of(file)
        guard status.kind == kind, status.userID == Credentials.effectiveUser,
            status.permissions & 0o022 == 0
        else { throw .permissionDenied }
    }
}
