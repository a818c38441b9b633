public import LinuxSystem

/// A stream that is read piece by piece, and whose first bytes can be looked at beforehand.
@safe
public final class StreamInput {
    /// Fills the start of a buffer by at least a byte; 0 is the end.
    @unsafe public typealias Source = (UnsafeMutableRawBufferPointer) throws(Failure) -> Int

    private let source: Source
    private let buffer: UnsafeMutableRawBufferPointer
    /// The bytes of the buffer that were read and not taken.
    private var held = 0..<0
    private var hasEnded = false

    public init(from source: @escaping Source) {
        unsafe self.source = source
        unsafe buffer = .allocate(byteCount: 256 << 10, alignment: 64)
    }

    deinit {
        unsafe buffer.deallocate()
    }

    /// The next bytes, at least one where there are any; valid until the next call. `take` passes
    /// over them.
    @unsafe
    public func look() throws(Failure) -> UnsafeRawBufferPointer {
        if held.isEmpty { try fill() }
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[held])
    }

    /// The same of at least `count` bytes, where there are that many.
    ///
    /// - Parameter count: Far less than the buffer is long.
    @unsafe
    public func look(atLeast count: Int) throws(Failure) -> UnsafeRawBufferPointer {
        while held.count < count && !hasEnded { try fill() }
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[held])
    }

    public func take(_ count: Int) {
        held = held.lowerBound + count..<held.upperBound
    }

    /// Fills the start of `target`; 0 is the end. What was not looked at goes there without a copy.
    @unsafe
    public func read(into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        if held.isEmpty { return hasEnded ? 0 : try unsafe note(source(target)) }
        let piece = min(held.count, target.count)
        unsafe target.copyBytes(
            from: buffer[held.lowerBound..<held.lowerBound + piece])
        take(piece)
        return piece
    }

    /// Reads more behind what is held.
    private func fill() throws(Failure) {
        if hasEnded { return }
        let kept = held.count
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[held]))
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])
        held = 0..<kept + (try unsafe note(source(rest)))
    }

    private func note(_ count: Int) -> Int {
        if count == 0 { hasEnded = true }
        return count
    }
}
