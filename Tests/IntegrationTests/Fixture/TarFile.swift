/// A tar archive written byte by byte, since no program writes what an attacker would.
struct TarFile {
    private(set) var bytes: [UInt8] = []

    /// One entry; `pax` are records of a header before it.
    mutating func add(
        _ name: [UInt8], _ type: Character = "0", content: [UInt8] = [], link: String = "",
        mode: Int = 0o644, owner: Int = 0, size: Int? = nil, device: (Int, Int) = (0, 0),
        pax: [(String, String)] = []
    ) {
        if !pax.isEmpty {
            let records = pax.flatMap { TarFile.record($0.0, $0.1) }
            addBlock(Array("pax".utf8), "x", records, "", 0o644, 0, records.count, (0, 0))
        }
        addBlock(name, type, content, link, mode, owner, size ?? content.count, device)
    }

    mutating func add(
        _ name: String, _ type: Character = "0", content: String = "", link: String = "",
        mode: Int = 0o644, owner: Int = 0, size: Int? = nil, device: (Int, Int) = (0, 0),
        pax: [(String, String)] = []
    ) {
        add(
            Array(name.utf8), type, content: Array(content.utf8), link: link, mode: mode,
            owner: owner, size: size, device: device, pax: pax)
    }

    mutating func directory(_ name: String, mode: Int = 0o755) { add(name, "5", mode: mode) }
    mutating func link(_ name: String, to target: String) { add(name, "2", link: target) }

    /// With the two blocks that end it.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    private mutating func addBlock(
        _ name: [UInt8], _ type: Character, _ content: [UInt8], _ link: String, _ mode: Int,
        _ owner: Int, _ size: Int, _ device: (Int, Int)
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ place: Int, _ text: [UInt8]) {
            header.replaceSubrange(place..<place + text.count, with: text)
        }
        func number(_ place: Int, _ value: Int, _ digits: Int) {
            let text = String(value, radix: 8)
            put(place, Array((String(repeating: "0", count: digits - text.count) + text).utf8))
        }
        put(0, Array(name.prefix(100)))
        number(100, mode, 7)
        number(108, owner, 7)
        number(116, owner, 7)
        number(124, size, 11)
        number(136, 1_000_000_000, 11)
        put(148, Array("        ".utf8))
        put(156, Array(String(type).utf8))
        put(157, Array(link.utf8))
        put(257, Array("ustar\u{0}00".utf8))
        number(329, device.0, 7)
        number(337, device.1, 7)
        number(148, header.reduce(0) { $0 + Int($1) }, 6)
        header[154] = 0
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while String(length).utf8.count + rest.utf8.count != length { length += 1 }
        return Array((String(length) + rest).utf8)
    }
}
