internal import Glibc
public import LinuxSystem
public import OCISpec
internal import SystemPackage

/// Filters that were compiled before: compiling one takes longer than starting a container.
///
/// The file's name is a hash of the profile, its content the whole profile and the filter: two
/// profiles of one hash cannot be taken for each other: a collision is of no use to an attacker.
/// A file of another owner, mode or kind is not read.
public struct SeccompCache: Sendable {
    /// Changes when the compiler's output for the same profile changes.
    private static let format = "vfs-run seccomp 5"

    /// The number of files that are kept: those of older versions, profiles and bundles are unused.
    static let most = 256

    private let directory: String

    /// - Parameter directory: Made, mode 0700, when the first filter is stored.
    public init(directory: String) {
        self.directory = directory
    }

    /// The filter of `profile`: from the cache, or compiled and stored.
    ///
    /// A cache that cannot be read or written is no error.
    public func filter(for profile: Spec.Seccomp) throws(SeccompError) -> SeccompFilter {
        if let found = find(profile.text[...]) { return found }
        let filter = try SeccompCompiler.compile(profile)
        // A profile from the cache is not checked again and gives no warnings.
        if SeccompCompiler.unblocked(profile).isEmpty { try? store(profile.text, filter) }
        return filter
    }

    /// The filter of the profile with this text, nil when it was never compiled here. A profile
    /// that is found has been read and checked before, byte for byte the same.
    public func find(_ text: ArraySlice<UInt8>) -> SeccompFilter? { try? load(text) }

    /// The part of a key before the text of the profile.
    private static var keyStart: [UInt8] {
        Array("\(format) libseccomp \(SeccompCompiler.libraryVersion)\n".utf8)
    }

    /// FNV-1a of 64 bits, over words of eight bytes in the text, in hexadecimal.
    private static func name(_ keyStart: [UInt8], _ text: ArraySlice<UInt8>) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in keyStart { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let words = text.count / 8
        unsafe text.withUnsafeBytes { bytes in
            for index in 0..<words {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                hash = (hash ^ UInt64(littleEndian: word)) &* 0x100_0000_01b3
                hash ^= hash >> 29
            }
        }
        for byte in text.dropFirst(words * 8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16) + ".bpf"
    }

    // The file: the key's length (8 bytes, little-endian), the key, flags (4 bytes), the program.

    private func load(_ text: ArraySlice<UInt8>) throws(Errno) -> SeccompFilter {
        let folder = try HostPath.open(directory, [.path, .directory, .noFollow])
        try SeccompCache.requireOwn(folder.borrowed, .directory)
        let keyStart = SeccompCache.keyStart
        let file = try folder.borrowed.open(
            SeccompCache.name(keyStart, text), [.readOnly, .nonBlocking])
        let size = try SeccompCache.requireOwn(file.borrowed, .regular).size
        let head = SeccompCache.bytes(keyStart.count + text.count) + keyStart
        let rest = Int(clamping: size) - head.count - text.count
        guard rest > 4, rest <= 4 + 8 * Int(UInt16.max), (rest - 4) % 8 == 0,
            try SeccompCache.has(head[...], next: file.borrowed),
            try SeccompCache.has(text, next: file.borrowed)
        else { throw .invalidArgument }
        let bytes = try file.borrowed.readBytes(upTo: rest)
        guard bytes.count == rest else { throw .invalidArgument }
        let flags = bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return SeccompFilter(program: Array(bytes[4...]), flags: flags)
    }

    private func store(_ text: [UInt8], _ filter: SeccompFilter) throws(Errno) {
        try HostPath.makeDirectories(directory, mode: 0o700)
        let folder = try HostPath.open(directory, [.readOnly, .directory, .noFollow])
        try SeccompCache.requireOwn(folder.borrowed, .directory)
        let keyStart = SeccompCache.keyStart
        var bytes = SeccompCache.bytes(keyStart.count + text.count) + keyStart + text
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(filter.flags >> UInt32(shift) & 0xff)) }
        try folder.borrowed.replaceFile(
            SeccompCache.name(keyStart, text[...]), with: bytes + filter.program, mode: 0o600)
        try SeccompCache.tidy(folder.borrowed)
    }

    /// Removes the oldest files beyond that number; a later start compiles the profile again.
    private static func tidy(_ folder: FileDescriptor) throws(Errno) {
        let names = try folder.entries()
        if names.count <= most { return }
        var files: [(name: String, time: FileTime)] = []
        for name in names {
            guard let status = try? FileStatus.of(name, in: folder) else { continue }
            files.append((name, status.modified))
        }
        files.sort {
            ($0.time.seconds, $0.time.nanoseconds) > ($1.time.seconds, $1.time.nanoseconds)
        }
        for file in files.dropFirst(most) { try? folder.remove(file.name) }
    }

    /// Whether the next bytes of a file are these; a piece of it is in memory at a time.
    private static func has(
        _ expected: ArraySlice<UInt8>, next file: FileDescriptor
    ) throws(Errno) -> Bool {
        var rest = expected
        while !rest.isEmpty {
            let piece = try file.readBytes(upTo: min(rest.count, 4096))
            let isSame = unsafe rest.withUnsafeBytes { one in
                unsafe piece.withUnsafeBytes { other in
                    guard let one = one.baseAddress, let other = other.baseAddress else {
                        return false
                    }
                    return unsafe memcmp(one, other, piece.count) == 0
                }
            }
            if piece.isEmpty || !isSame { return false }
            rest = rest.dropFirst(piece.count)
        }
        return true
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<8).map { UInt8(count >> ($0 * 8) & 0xff) }
    }

    /// Refuses files that another user could have written.
    @discardableResult
    private static func requireOwn(
        _ file: FileDescriptor, _ kind: FileKind
    ) throws(Errno) -> FileStatus {
        let status = try FileStatus.of(file)
        guard status.kind == kind, status.userID == Credentials.effectiveUser,
            status.permissions & 0o022 == 0
        else { throw .permissionDenied }
        return status
    }
}
