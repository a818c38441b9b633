internal import Glibc

/// One name in a directory, as the bytes the kernel has it in: no `/`, not empty, neither `.` nor
/// `..`.
public struct FileName: Sendable, Hashable {
    /// With the NUL that ends it.
    let characters: [CChar]

    /// Nil for what cannot name something in a directory.
    public init?(_ bytes: some Collection<UInt8>) {
        if bytes.isEmpty || bytes.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) {
            return nil
        }
        if bytes.count < 3 && bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return nil }
        characters = bytes.map(CChar.init(bitPattern:)) + [0]
    }

    public init?(_ text: String) {
        self.init(text.utf8)
    }

    /// What a directory holds.
    init(_ entry: UnsafePointer<CChar>) {
        characters = unsafe Array(UnsafeBufferPointer(start: entry, count: strlen(entry) + 1))
    }

    /// Without the NUL.
    public var bytes: [UInt8] { characters.dropLast().map(UInt8.init(bitPattern:)) }
}
