import Archives
import LinuxSystem
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
        let error = #expect(throws: Failure.self) {
            try decompress(Array(whole.dropLast(20)))
        }
        #expect(error?.message == "the \(compression) data is truncated")
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
        let error = #expect(throws: Failure.self) { try decompress(packed) }
        #expect(error?.message.hasPrefix("the \(compression) data is damaged: ") == true)
    }

    @Test func `a frame to be skipped is zstd's`() throws {
        let skipped: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]
        #expect(try decompress(skipped + (try compress([7, 8], .zstd))) == [7, 8])
    }

    @Test func `a tar that is none is told`() throws {
        let error = #expect(throws: Failure.self) {
            try ArchiveReader(from: source([UInt8](repeating: 7, count: 4096)))
        }
        #expect(error?.message == "unrecognized archive format")
    }

    @Test func `an error of the source comes through`() throws {
        let error = #expect(throws: Failure.self) {
            _ = try ArchiveReader { () throws(Failure) in throw Failure("no more") }
                .nextEntry()
        }
        #expect(error?.message == "no more")
    }

    /// A block of a header, with its checksum.
    private func header(_ name: String, _ type: Character, size: Int, link: String = "") -> [UInt8]
    {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ place: Int) {
            block.replaceSubrange(place..<place + text.utf8.count, with: Array(text.utf8))
        }
        func octal(_ number: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: 11 - digits.count) + digits
        }
        put(name, 0)
        put(octal(size), 124)
        put(octal(0), 136)
        put("        ", 148)
        put(String(type), 156)
        put(link, 157)
        put("ustar\u{0}00", 257)
        put(String(octal(block.reduce(0) { $0 + Int($1) }).suffix(6)) + "\u{0}", 148)
        return block
    }

    /// Programs that write a size there write no content as a rule (Go's and GNU's readers look for
    /// none); POSIX allows it behind a pax header.
    @Test(arguments: [false, true], [0, 1, 300])
    func `a hard link with a size, behind a pax header, takes nothing of what follows`(
        _ hasContent: Bool, _ lead: Int
    ) throws {
        let time = Array("22 mtime=1000000000.5\n".utf8)
        var bytes: [UInt8] = []
        func file(_ name: String, _ content: [UInt8]) {
            bytes += header(name, "0", size: content.count) + content
            bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
        }
        // The blocks lie differently in the pieces of the source.
        for number in 0..<lead { file("lead\(number)", [UInt8](repeating: 9, count: number)) }
        file("first", [1, 2, 3])
        for number in 0..<3 {
            bytes += header("pax", "x", size: time.count) + time
            bytes += [UInt8](repeating: 0, count: 512 - time.count)
            bytes += header("link\(number)", "1", size: 700, link: "first")
            if hasContent { bytes += [UInt8](repeating: 7, count: 1024) }
            file("file\(number)", [4, 5])
        }
        bytes += [UInt8](repeating: 0, count: 1024)
        let reader = try ArchiveReader(from: source(bytes))
        var names: [String] = []
        while let entry = try reader.nextEntry() {
            names.append(String(decoding: entry.path, as: UTF8.self))
            if entry.kind == .hardLink { #expect(entry.linkTarget == Array("first".utf8)) }
            if names.last?.hasPrefix("file") == true {
                #expect(try reader.nextBlock().map { Array($0.bytes) } == [4, 5])
            }
        }
        #expect(
            names.dropFirst(lead)
                == ["first", "link0", "file0", "link1", "file1", "link2", "file2"])
    }

    /// Hands out `bytes` in pieces of a thousand.
    private func source(_ bytes: [UInt8]) -> ArchiveReader.Source {
        let held = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        held.copyBytes(from: bytes)
        var offset = 0
        return { () throws(Failure) in
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
