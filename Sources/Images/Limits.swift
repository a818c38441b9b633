internal import LinuxSystem

/// How much an image may hold: a few bytes can stand for all there is room for.
public struct Limits: Sendable, Hashable {
    /// Bytes of all layers together, unpacked, holes counted as bytes.
    public var size: Int64 = 64 << 30
    /// Entries of all layers together.
    public var entries = 4_000_000

    public init() {}

    /// Counts one more entry of `bytes`.
    mutating func take(entry bytes: Int64) throws(Failure) {
        entries -= 1
        if entries < 0 {
            throw Failure(
                "the layers have more entries than --max-entries; raise it if you trust the image")
        }
        try take(bytes: bytes)
    }

    mutating func take(bytes: Int64) throws(Failure) {
        if bytes > size {
            throw Failure(
                "the unpacked layers are larger than --max-size; raise it if you trust the image")
        }
        size -= bytes
    }
}
