internal import LinuxSystem

/// One entry of a tar archive, and the blocks it begins with (pax, POSIX.1-2001).
///
/// Written by ourselves, and not by a library, since the bytes are what a layer's digest names:
/// the same tree gives the same archive, whichever library a build finds, and names and extended
/// attributes stand in it as they are, text or not.
struct TarEntry {
    enum Kind: UInt8 {
        case regular = 0x30
        case hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
    }

    /// As the archive has it: without a slash in front, with one behind for a directory.
    var path: [UInt8]
    var kind: Kind
    var permissions: UInt32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    /// Of the content that follows.
    var size: Int64 = 0
    var modified = FileTime(seconds: 0, nanoseconds: 0)
    /// Of a symbolic or hard link.
    var target: [UInt8] = []
    var device = DeviceNumber(major: 0, minor: 0)
    var attributes: [(name: String, value: [UInt8])] = []

    static let blockSize = 512

    /// The padding behind a content of `size` bytes.
    static func padding(_ size: Int64) -> [UInt8] {
        let rest = Int(size % Int64(blockSize))
        return rest == 0 ? [] : [UInt8](repeating: 0, count: blockSize - rest)
    }

    /// The end of an archive.
    static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// The header, behind a pax header where one is needed.
    var blocks: [UInt8] {
        var records: [(key: [UInt8], value: [UInt8])] = []
        func add(_ key: String, _ value: some Sequence<UInt8>) {
            records.append((Array(key.utf8), Array(value)))
        }
        func fits(_ text: [UInt8]) -> Bool {
            text.count <= 100 && text.allSatisfy { $0 < 0x80 }
        }
        if !fits(path) { add("path", path) }
        if !fits(target) { add("linkpath", target) }
        if size > TarEntry.largest(12) { add("size", String(size).utf8) }
        if UInt64(userID) > TarEntry.largest(8) { add("uid", String(userID).utf8) }
        if UInt64(groupID) > TarEntry.largest(8) { add("gid", String(groupID).utf8) }
        let isPlainTime =
            modified.nanoseconds == 0 && (0...TarEntry.largest(12)).contains(modified.seconds)
        if !isPlainTime { add("mtime", TarEntry.decimal(modified).utf8) }
        for (name, value) in attributes {
            add("SCHILY.xattr." + TarEntry.escaped(name), value)
        }
        let pax = records.isEmpty ? [] : extendedHeader(records)
        return pax + header(path, kind.rawValue, size)
    }

    /// In the order of the keys.
    private func extendedHeader(_ records: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
        var text: [UInt8] = []
        for (key, value) in records.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            text += TarEntry.record(key, value)
        }
        var entry = TarEntry(path: [], kind: .regular)
        entry.permissions = 0o644
        let name = Array("PaxHeaders.0/".utf8) + TarEntry.lastName(path)
        return entry.header(name, UInt8(ascii: "x"), Int64(text.count)) + text
            + TarEntry.padding(Int64(text.count))
    }

    /// `25 mtime=1400000000.123456789` and a line feed: the number counts itself.
    static func record(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
        let rest = key.count + value.count + 3
        var length = rest + 1
        while String(length).utf8.count + rest != length {
            length = String(length).utf8.count + rest
        }
        return Array(String(length).utf8) + [0x20] + key + [0x3d] + value + [0x0a]
    }

    /// As GNU tar has them: a `=` would end the key.
    private static func escaped(_ attribute: String) -> String {
        guard attribute.contains("=") else { return attribute }
        return attribute.reduce(into: "") {
            $0 += $1 == "%" ? "%25" : $1 == "=" ? "%3D" : String($1)
        }
    }

    /// Seconds with what they have behind the point; the nanoseconds count forward from them.
    static func decimal(_ time: FileTime) -> String {
        if time.nanoseconds == 0 { return String(time.seconds) }
        let isNegative = time.seconds < 0
        let seconds = isNegative ? -(time.seconds + 1) : time.seconds
        let fraction = isNegative ? 1_000_000_000 - time.nanoseconds : time.nanoseconds
        var digits = String(fraction)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return (isNegative ? "-" : "") + "\(seconds).\(digits)"
    }

    private static func lastName(_ path: [UInt8]) -> [UInt8] {
        let plain = path.last == 0x2f ? path.dropLast() : path[...]
        let start = plain.lastIndex(of: 0x2f).map { $0 + 1 } ?? plain.startIndex
        return plain[start...].prefix(80).map { $0 < 0x80 ? $0 : 0x5f }
    }

    /// The largest number of a field of so many bytes: octal digits and a NUL.
    private static func largest(_ bytes: Int) -> Int64 { 1 << Int64(3 * (bytes - 1)) - 1 }

    // MARK: The block

    private func header(_ name: [UInt8], _ type: UInt8, _ size: Int64) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarEntry.blockSize)
        func put(_ bytes: some Sequence<UInt8>, _ offset: Int, _ count: Int) {
            for (index, byte) in bytes.prefix(count).enumerated() { block[offset + index] = byte }
        }
        func put(_ number: Int64, _ offset: Int, _ count: Int) {
            // What does not fit stands in the pax header.
            let number = (0...TarEntry.largest(count)).contains(number) ? number : 0
            let digits = String(number, radix: 8)
            put(
                (String(repeating: "0", count: count - 1 - digits.count) + digits).utf8, offset,
                count)
        }
        put(name, 0, 100)
        put(Int64(permissions), 100, 8)
        put(Int64(userID), 108, 8)
        put(Int64(groupID), 116, 8)
        put(size, 124, 12)
        put(modified.seconds, 136, 12)
        block[156] = type
        put(target, 157, 100)
        put("ustar\0".utf8, 257, 6)
        put("00".utf8, 263, 2)
        put(Int64(device.major), 329, 8)
        put(Int64(device.minor), 337, 8)
        // Counted with blanks in its own place.
        put("        ".utf8, 148, 8)
        let sum = block.reduce(0) { $0 + Int64($1) }
        put(sum, 148, 7)
        block[155] = 0x20
        return block
    }
}
