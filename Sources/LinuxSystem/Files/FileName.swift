internal import Glibc

/// One name in a directory, as the bytes the kernel has it in: no `/`, not empty, neither `.` nor
/// `..`.
///
/// `String` would mend what is not UTF-8, and the name would be another file's.
public struct FileName: Sendable, Hashable, Comparable {
    /// With the NUL that ends it.
    let characters: [CChar]

    /// Nil for what cannot name something in a directory.
    public init?(_ bytes: some Collection<UInt8>) {
        if bytes.isEmpty || bytes.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) {
            return nil
        }
        if bytes.count < 3 && bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return nil }
        self.init(ofEntry: bytes)
    }

    public init?(_ text: String) {
        self.init(text.utf8)
    }

    /// The parent and itself.
    init(_ entry: UnsafePointer<CChar>) {
        characters = unsafe Array(UnsafeBufferPointer(start: entry, count: strlen(entry) + 1))
    }

    /// The digits of a number.
    public init(number: UInt64) {
        self.init(ofEntry: String(number).utf8)
    }

    /// Without checking: for names that the kernel has given.
    init(ofEntry bytes: some Collection<UInt8>) {
        characters = bytes.map(CChar.init(bitPattern:)) + [0]
    }

    /// The open file itself, for calls that take a directory and a name in it.
    public static let itself = FileName(ofEntry: [])

    /// The directory itself, for calls that take no empty name.
    public static let here = FileName(ofEntry: [0x2e])

    /// Without the NUL.
    public var bytes: [UInt8] { characters.dropLast().map(UInt8.init(bitPattern:)) }

    /// For messages: invalid UTF-8 is replaced.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// By their bytes.
    public static func < (one: FileName, other: FileName) -> Bool {
        one.characters.lexicographicallyPrecedes(other.characters) {
            UInt8(bitPattern: $0) < UInt8(bitPattern: $1)
        }
    }
}

extension FileName: ExpressibleByStringLiteral {
    /// A name that is written in the source; it is not checked.
    public init(stringLiteral name: StaticString) {
        let bytes = unsafe UnsafeBufferPointer(
            start: name.utf8Start, count: name.utf8CodeUnitCount)
        unsafe self.init(ofEntry: bytes)
    }
}
