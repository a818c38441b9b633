internal import LinuxSystem
internal import SystemPackage

/// One file of a cgroup.
enum GroupFile {
    /// Without the newline at its end; nil where it is missing or cannot be read.
    static func read(_ directory: String, _ name: String) -> String? {
        guard let bytes = try? HostPath.readShort(directory + "/" + name) else { return nil }
        let text = bytes.last == 0x0a ? bytes.dropLast() : bytes[...]
        return String(decoding: text, as: UTF8.self)
    }

    /// Its words, separated by blanks; none where it cannot be read.
    static func words(_ directory: String, _ name: String) -> [String] {
        (try? HostPath.readShort(directory + "/" + name)).map { KernelText($0).words } ?? []
    }

    static func write(_ directory: String, _ name: String, _ value: String) throws(Errno) {
        let file = try HostPath.open(directory + "/" + name, .writeOnly)
        try file.borrowed.write(all: Array(value.utf8))
    }

    /// The number behind `key` in a file of lines `key number`.
    static func value(_ directory: String, _ name: String, key: String) -> UInt64? {
        value(in: read(directory, name) ?? "", key: key)
    }

    static func value(in text: String, key: String) -> UInt64? {
        // Byte by byte: some of these files have fifty lines, and every job of a batch reads them.
        let wanted = Array(key.utf8) + [UInt8(ascii: " ")]
        var text = text
        return text.withUTF8 { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, unsafe bytes[end] != UInt8(ascii: "\n") { end += 1 }
                var position = 0
                while position < wanted.count, start + position < end,
                    unsafe bytes[start + position] == wanted[position]
                { position += 1 }
                if position == wanted.count {
                    return unsafe UInt64(
                        String(decoding: bytes[start + position..<end], as: UTF8.self))
                }
                start = end + 1
            }
            return nil
        }
    }
}
