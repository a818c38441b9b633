import LinuxSystem
import Testing

@testable import Layers

struct TarEntryTests {
    @Test func `a record counts itself`() {
        func record(_ key: String, _ value: String) -> String {
            String(decoding: TarEntry.record(Array(key.utf8), Array(value.utf8)), as: UTF8.self)
        }
        #expect(record("path", "a") == "9 path=a\n")
        // One more digit makes one more byte.
        for length in 1...2000 {
            let text = record("k", String(repeating: "x", count: length))
            #expect(text.hasPrefix("\(text.utf8.count) k="))
        }
    }

    @Test func `a time before 1970 counts forward from its second`() {
        func decimal(_ seconds: Int64, _ nanoseconds: Int64) -> String {
            TarEntry.decimal(FileTime(seconds: seconds, nanoseconds: nanoseconds))
        }
        #expect(decimal(5, 0) == "5")
        #expect(decimal(5, 120_000_000) == "5.12")
        #expect(decimal(5, 1) == "5.000000001")
        #expect(decimal(-2, 500_000_000) == "-1.5")
        #expect(decimal(-1, 999_999_999) == "-0.000000001")
        #expect(decimal(-3, 0) == "-3")
    }

    @Test func `what a plain header holds needs no other`() {
        var entry = TarEntry(path: Array("etc/passwd".utf8), kind: .regular)
        entry.permissions = 0o4755
        (entry.userID, entry.groupID) = (2_097_151, 0)
        entry.size = 8_589_934_591
        entry.modified = FileTime(seconds: 8_589_934_591, nanoseconds: 0)
        #expect(entry.blocks.count == 512)
        entry.userID += 1
        #expect(entry.blocks.count == 3 * 512)
        let text = String(decoding: entry.blocks[512..<1024].prefix { $0 != 0 }, as: UTF8.self)
        #expect(text == "15 uid=2097152\n")
    }

    @Test func `records stand in order, and names as they are`() {
        let name: [UInt8] = [0xff, 0x0a, 0x41]
        var entry = TarEntry(path: name, kind: .regular)
        entry.modified.nanoseconds = 5
        entry.attributes = [("user.b", [0]), ("user.a=b", [1])]
        let text = entry.blocks[512...].prefix(1024)
        let wanted =
            TarEntry.record(Array("SCHILY.xattr.user.a%3Db".utf8), [1])
            + TarEntry.record(Array("SCHILY.xattr.user.b".utf8), [0])
            + TarEntry.record(Array("mtime".utf8), Array("0.000000005".utf8))
            + TarEntry.record(Array("path".utf8), name)
        #expect(Array(text.prefix(wanted.count)) == wanted)
    }
}
