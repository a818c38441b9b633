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
        #expect(
            [
                "truncated gzip input", "truncated zstd input",
            ].contains(error?.message))
    }

    @Test func `a tar that is none is told`() throws {
        let error = #expect(throws: ArchiveError.self) {
            try ArchiveReader(.tar, from: source([UInt8](repeating: 7, count: 4096)))
        }
        #expect(error?.message == "unrecognized archive format")
    }

    @Test func `an error of the source comes through`() throws {
        let error = #expect(throws: ArchiveError.self) {
            _ = try ArchiveReader(.tar) { () throws(ArchiveError) in throw ArchiveError("no more") }
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

    private func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
        let reader = try ArchiveReader(.stream, from: source(bytes))
        var found: [UInt8] = []
        guard try reader.nextEntry() != nil else { return [] }
        while let block = try reader.nextBlock() { found.append(contentsOf: block.bytes) }
        return found
    }
}
