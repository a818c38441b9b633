internal import CZlib
internal import CZstd
public import LinuxSystem

/// Compresses a stream piece by piece.
@safe
public final class Compressor {
    /// Takes what comes out; the bytes are valid during the call.
    @unsafe public typealias Output = (UnsafeRawBufferPointer) throws(Failure) -> Void

    private let engine: Engine
    private let output: Output
    private let buffer: UnsafeMutableRawBufferPointer

    @unsafe
    private enum Engine {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    /// - Parameters:
    ///   - level: Of zlib or zstd; nil for 6 and 3.
    ///   - output: Is handed what is compressed, in pieces.
    public init(
        _ compression: Compression, level: Int? = nil, to output: @escaping Output
    ) throws(Failure) {
        unsafe self.output = output
        unsafe buffer = .allocate(byteCount: 128 << 10, alignment: 16)
        switch compression {
        case .none: unsafe engine = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe stream.initialize(to: z_stream())
            unsafe engine = .gzip(stream)
            // 31: a window of 32 KiB (15) and gzip's header (16).
            let result = unsafe deflateInit2_(
                stream, CInt(level ?? 6), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                CInt(MemoryLayout<z_stream>.size))
            if result != Z_OK { throw Failure("zlib cannot start: \(result)") }
        case .zstd:
            guard let context = unsafe ZSTD_createCCtx() else {
                throw Failure("no memory for zstd")
            }
            unsafe engine = .zstd(context)
            try Compressor.check(
                unsafe ZSTD_CCtx_setParameter(
                    context, ZSTD_c_compressionLevel, CInt(level ?? Int(ZSTD_CLEVEL_DEFAULT))))
            // A damaged stream is noticed where it is read.
            try Compressor.check(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1))
        }
    }

    /// - Parameter bytes: Less than 4 GiB: zlib counts in 32 bits.
    public func add(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        if bytes.count > 0 { try unsafe compress(bytes, isLast: false) }
    }

    public func add(_ bytes: [UInt8]) throws(Failure) {
        let result = unsafe bytes.withUnsafeBytes { pointer in
            Result { () throws(Failure) in try unsafe add(pointer) }
        }
        try result.get()
    }

    /// Hands out what is left. Nothing may be added afterwards.
    public func finish() throws(Failure) {
        try unsafe compress(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
    }

    private func compress(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool
    ) throws(Failure) {
        switch unsafe engine {
        case .none: if bytes.count > 0 { try unsafe output(bytes) }
        case .gzip(let stream): try unsafe deflate(stream, bytes, isLast: isLast)
        case .zstd(let context): try unsafe zstd(context, bytes, isLast: isLast)
        }
    }

    private func deflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ bytes: UnsafeRawBufferPointer, isLast: Bool
    ) throws(Failure) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = CUnsignedInt(bytes.count)
        repeat {
            unsafe stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = CUnsignedInt(buffer.count)
            let result = unsafe CZlib.deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
            if result == Z_STREAM_ERROR { throw Failure("zlib failed: \(result)") }
            try unsafe emit(buffer.count - Int(stream.pointee.avail_out))
        } while unsafe stream.pointee.avail_out == 0
    }

    private func zstd(
        _ context: OpaquePointer, _ bytes: UnsafeRawBufferPointer, isLast: Bool
    ) throws(Failure) {
        var input = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        var left = 0
        repeat {
            var out = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
            left = unsafe ZSTD_compressStream2(
                context, &out, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
            try Compressor.check(left)
            try unsafe emit(out.pos)
        } while unsafe isLast ? left != 0 : input.pos < input.size
    }

    private func emit(_ count: Int) throws(Failure) {
        if count > 0 {
            try unsafe output(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private static func check(_ result: Int) throws(Failure) {
        if ZSTD_isError(result) != 0 {
            throw Failure(unsafe "zstd: " + String(cString: ZSTD_getErrorName(result)))
        }
    }

    deinit {
        switch unsafe engine {
        case .none: break
        case .gzip(let stream):
            unsafe deflateEnd(stream)
            unsafe stream.deallocate()
        case .zstd(let context): unsafe ZSTD_freeCCtx(context)
        }
        unsafe buffer.deallocate()
    }
}
