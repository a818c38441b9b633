internal import CArchiveSupport

/// A SHA-256 digest in the making (FIPS 180-4).
public struct SHA256: Sendable {
    private var state = carchive_sha256()

    public init() {
        unsafe carchive_sha256_start(&state)
    }

    /// How many bytes were added.
    public var count: UInt64 { state.length }

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        unsafe carchive_sha256_add(&state, bytes.baseAddress, bytes.count)
    }

    public mutating func add(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe add($0) }
    }

    /// The digest of what was added so far.
    public func finished() -> Digest {
        var last = state
        var result = [UInt8](repeating: 0, count: 32)
        unsafe carchive_sha256_finish(&last, &result)
        return Digest(bytes: result)
    }

    /// The digest of `bytes`.
    public static func of(_ bytes: [UInt8]) -> Digest {
        var digest = SHA256()
        digest.add(bytes)
        return digest.finished()
    }
}
