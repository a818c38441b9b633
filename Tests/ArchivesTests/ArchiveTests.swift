import Archives
import Testing

@Suite struct `Archives` {
    @Test(arguments: Compression.allCases)
    func `what is compressed comes back`(_ compression: Compression) throws {
        let text = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 9) }
        let packed = try compress(text, compression)
        if compression != .none { #expect(packed.count < text.count / 2) }
        #expect(try decompress(packed) == text)
    }

    @Test(arguments: Compression.allCases)
    func `nothing is something that can be compressed`(_ compression: Compression) throws {
        #expect(try decompress(try compress([], compression)) == [])
    }

    @Test(arguments: [Compression.gzip, .zstd])
    func `a stream that was cut off is told`(_ compression: Compression) throws {
        let whole = try compress(
            (0..<99_999).map { UInt8(truncatingIfNeeded: $0 &* $0) }, compression)
        let error = #expect(throws: ArchiveError.self) {
            try decompress(Array(whole.dropLast(20)))
        }
        #expect(error?.message == "the \(compression) stream is cut off")
    }

    @Test(arguments: [Compression.gzip, .zstd])
    func `streams that follow each other are one`(_ compression: Compression) throws {
        let parts = [[UInt8](repeating: 1, count: 70_000), [], [2, 3]]
        let packed = try parts.flatMap { try compress($0, compression) }
        #expect(try decompress(packed) == parts.flatMap { $0 })
    }

    @Test func `what stands behind a gzip stream is no part of it`() throws {
        let padded = try compress([1, 2, 3], .gzip) + [UInt8](repeating: 0, count: 2000)
        #expect(try decompress(padded) == [1, 2, 3])
    }

    @Test(arguments: [Compression.gzip, .zstd])
    func `a stream that was changed is told`(_ compression: Compression) throws {
        var packed = try compress((0..<9_999).map { UInt8($0 % 251) }, compression)
        packed[packed.count / 2] ^= 0x55
        let error = #expect(throws: ArchiveError.self) { try decompress(packed) }
        #expect(error?.message.hasPrefix("the \(compression) stream is damaged: ") == true)
    }

    @Test func `a frame to be skipped is zstd's`() throws {
        let skipped: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]
        #expect(try decompress(skipped + (try compress([7, 8], .zstd))) == [7, 8])
    }

    @Test func `a tar that is none is told`() throws {
        let error = #expect(throws: ArchiveError.self) {
            try ArchiveReader(from: source([UInt8](repeating: 7, count: 4096)))
        }
        #expect(error?.message == "unrecognized archive format")
    }

    @Test func `an error of the source comes through`() throws {
        let error = #expect(throws: ArchiveError.self) {
            _ = try ArchiveReader { () throws(ArchiveError) in throw ArchiveError("no more") }
                .nextEntry()
        }
        #expect(error?.message == "no more")
    }

    /// Hands out `bytes` in pieces of a thousand.
    private func source(_ bytes: [UInt8]) -> ArchiveReader.Source {
        let held = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        held.copyBytes(from: bytes)
        var offset = 0
        return { () throws(ArchiveError) in
            let piece = held[offset..<min(offset + 1000, held.count)]
            offset += piece.count
            return UnsafeRawBufferPointer(rebasing: piece)
        }
    }

    private func compress(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
        var packed: [UInt8] = []
        let compressor = try Compressor(compression) { packed.append(contentsOf: $0) }
        try compressor.add(Array(bytes.prefix(1000)))
        try compressor.add(Array(bytes.dropFirst(1000)))
        try compressor.finish()
        return packed
    }

    /// Into a buffer that is mostly too small.
    private func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
        var rest = bytes[...]
        let input = StreamInput { buffer in
            let piece = rest.prefix(min(1000, buffer.count))
            buffer.copyBytes(from: piece)
            rest = rest.dropFirst(piece.count)
            return piece.count
        }
        let decompressor = try Decompressor(input, try Compression(of: input))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        var found: [UInt8] = []
        while true {
            let count = try decompressor.read(into: buffer)
            if count == 0 { return found }
            found += buffer.prefix(count)
        }
    }
}
