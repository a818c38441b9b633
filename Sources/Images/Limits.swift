internal import LinuxSystem

/// How much an image may hold: a few bytes can stand for all there is room for.
public struct Limits: Sendable, Hashable {
    /// Bytes of all layers together, unpacked, holes counted as bytes.
    public var size: Int64 = 64 << 30
    /// Entries of all layers together.
    public var entries = 4_000_000

    public init() {}

    /// Counts one more entry of `bytes`.
    mutating func take(entry bytes: Int64) throws(ImageError) {
        entries -= 1
        if entries < 0 {
            throw ImageError(
                "there are more entries in the layers than --max-entries allows; raise it if"
                    + " that is meant")
        }
        try take(bytes: bytes)
    }

    mutating func take(bytes: Int64) throws(ImageError) {
        if bytes > size {
            throw ImageError(
                "the layers unpacked are larger than --max-size allows; raise it if that is meant")
        }
        size -= bytes
    }
}
