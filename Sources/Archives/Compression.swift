/// How a stream is compressed.
public enum Compression: String, Sendable, CaseIterable {
    case none, gzip, zstd
}
