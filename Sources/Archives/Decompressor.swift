internal import CZlib
internal import CZstd
public import LinuxSystem

extension Compression {
    /// The compression that the first bytes of a stream say; `none` where they say nothing.
    public init(of input: StreamInput) throws(Failure) {
        let start = unsafe Array(try input.look(atLeast: 4).prefix(4))
        switch start {
        case _ where start.starts(with: [0x1f, 0x8b]): self = .gzip
        case [0x28, 0xb5, 0x2f, 0xfd]: self = .zstd
        // A frame that is to be skipped (RFC 8878); the one behind it counts.
        case _
        where start.count == 4 && start[0] & 0xf0 == 0x50
            && start[1...] == [0x2a, 0x4d, 0x18]:
            self = .zstd
        default: self = .none
        }
    }
}

/// The content of a compressed stream, piece by piece.
@safe
public final class Decompressor {
    private let input: StreamInput
    private let engine: Engine
    /// Whether the stream may end here: between gzip's members, or zstd's frames.
    private var isWhole = false

    @unsafe
    private enum Engine {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    public init(_ input: StreamInput, _ compression: Compression) throws(Failure) {
        self.input = input
        switch compression {
        case .none: unsafe engine = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe stream.initialize(to: z_stream())
            unsafe engine = .gzip(stream)
            // 31: a window of 32 KiB (15) and gzip's header (16).
            let result = unsafe inflateInit2_(
                stream, 31, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
            if result != Z_OK { throw Failure("zlib cannot start: \(result)") }
        case .zstd:
            guard let context = unsafe ZSTD_createDCtx() else {
                throw Failure("no memory for zstd")
            }
            unsafe engine = .zstd(context)
        }
    }

    deinit {
        switch unsafe engine {
        case .none: break
        case .gzip(let stream):
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
        case .zstd(let context): unsafe ZSTD_freeDCtx(context)
        }
    }

    /// Fills the start of `target` by at least a byte; 0 is the end.
    @unsafe
    public func read(into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        switch unsafe engine {
        case .none: try unsafe input.read(into: target)
        case .gzip(let stream): try unsafe inflate(stream, target)
        case .zstd(let context): try unsafe decompress(context, target)
        }
    }

    /// Members that follow each other are one stream; behind them may stand anything, as padding
    /// to a block of a tape.
    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = CUnsignedInt(target.count)
        while unsafe Int(stream.pointee.avail_out) == target.count {
            if isWhole {
                if try Compression(of: input) != .gzip { return 0 }
                unsafe inflateReset(stream)
                isWhole = false
            }
            let bytes = try unsafe input.look()
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = CUnsignedInt(bytes.count)
            let result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            unsafe input.take(bytes.count - Int(stream.pointee.avail_in))
            if result == Z_STREAM_END {
                isWhole = true
            } else if result == Z_BUF_ERROR, unsafe bytes.isEmpty {
                throw Failure("the gzip data is truncated")
            } else if result != Z_OK {
                let words = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
                throw Failure("the gzip data is damaged: \(words ?? "\(result)")")
            }
        }
        return unsafe target.count - Int(stream.pointee.avail_out)
    }

    private func decompress(
        _ context: OpaquePointer, _ target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        while unsafe output.pos == 0 {
            let bytes = try unsafe input.look()
            if isWhole, unsafe bytes.isEmpty { return 0 }
            // Without input it may still have something to give.
            var piece = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            let left = unsafe ZSTD_decompressStream(context, &output, &piece)
            if ZSTD_isError(left) != 0 {
                let words = unsafe String(cString: ZSTD_getErrorName(left))
                throw Failure("the zstd data is damaged: \(words)")
            }
            unsafe input.take(piece.pos)
            isWhole = left == 0
            if unsafe bytes.isEmpty && output.pos == 0 && !isWhole {
                throw Failure("the zstd data is truncated")
            }
        }
        return unsafe output.pos
    }
}
