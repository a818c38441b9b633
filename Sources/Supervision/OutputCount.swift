internal import ContainerRuntime

/// The bytes that a program has written to its standard output and standard error, as far as they go
/// through the runtime process.
final class OutputCount {
    /// Of both together.
    var limit: UInt64?
    /// Nil where the stream does not go through the runtime process.
    private(set) var output: UInt64?
    private(set) var error: UInt64?

    init(limit: UInt64?) { self.limit = limit }

    var sum: UInt64 { (output ?? 0) + (error ?? 0) }

    /// Whether the program has written more than it may.
    var isExceeded: Bool { limit.map { sum > $0 } ?? false }

    func begin(_ stream: StandardStream) { add(0, to: stream) }

    /// Counts bytes of the program.
    ///
    /// - Returns: Those within the limit, which go on.
    func take(_ bytes: [UInt8], from stream: StandardStream) -> ArraySlice<UInt8> {
        let before = sum
        add(UInt64(bytes.count), to: stream)
        guard let limit else { return bytes[...] }
        return bytes.prefix(Int(clamping: limit > before ? limit - before : 0))
    }

    private func add(_ count: UInt64, to stream: StandardStream) {
        if stream == .error {
            error = (error ?? 0) + count
        } else {
            output = (output ?? 0) + count
        }
    }
}
