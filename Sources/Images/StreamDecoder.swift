internal import Archives
internal import LinuxSystem

/// The decompressed content of a stream: by this program itself, or by one of the host.
enum StreamDecoder {
    case own(Decompressor, isPlain: Bool)
    case foreign(ForeignFormat, FilterProgram)

    init(_ input: StreamInput) throws(Failure) {
        if let format = try ForeignFormat(of: input) {
            self = .foreign(format, try format.start())
        } else {
            let compression = try Compression(of: input)
            self = .own(try Decompressor(input, compression), isPlain: compression == .none)
        }
    }

    var isPlain: Bool {
        if case .own(_, let isPlain) = self { return isPlain }
        return false
    }

    /// Fills the start of `target` by at least a byte; 0 is the end.
    @unsafe
    func read(
        _ input: StreamInput, into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        switch self {
        case .own(let decompressor, _): return try unsafe decompressor.read(into: target)
        case .foreign(let format, let program):
            while true {
                let bytes = try unsafe input.look()
                if unsafe bytes.isEmpty { program.closeInput() }
                let (written, read) = try attempt(
                    "poll", on: format.rawValue, try unsafe program.exchange(bytes, target))
                input.take(written)
                guard let read else { continue }
                if read > 0 { return read }
                try format.finish(program)
                return 0
            }
        }
    }
}
