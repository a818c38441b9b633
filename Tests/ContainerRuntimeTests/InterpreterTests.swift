import TestSupport
import Testing

@testable import ContainerRuntime

@Suite struct `Interpreters` {
    static let scripts: [(head: String, interpreter: String?)] = [
        ("#!/bin/sh\n", "/bin/sh"), ("#!/bin/sh", "/bin/sh"),
        ("#! \t/usr/bin/env -S x\n", "/usr/bin/env"),
        ("#!/bin/sh\r\n", "/bin/sh\\r"), ("#!\n/bin/sh", nil), ("#!", nil), ("#! \n", nil),
        ("# !/bin/sh\n", nil), ("", nil), ("/bin/sh", nil), ("\n#!/bin/sh", nil),
    ]

    @Test(arguments: scripts)
    func `of a script stand on its first line`(_ row: (head: String, interpreter: String?)) {
        #expect(Interpreter.script(Array(row.head.utf8)) == row.interpreter)
    }

    /// A 64-bit little-endian ELF head with one program header.
    private func elf(type: UInt8 = 3, table: [UInt8] = [64], at start: [UInt8] = [120]) -> [UInt8] {
        var head: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0, count: 58)
        head.replaceSubrange(32..<32 + table.count, with: table)
        head[54] = 56
        head[56] = 1
        var header = [UInt8](repeating: 0, count: 56)
        header[0] = type
        header.replaceSubrange(8..<8 + start.count, with: start)
        return head + header + Array("/lib64/ld.so.2\0rest".utf8)
    }

    @Test func `of a program stand in its header`() {
        #expect(Interpreter.elf(elf()) == "/lib64/ld.so.2")
        #expect(Interpreter.elf(elf(type: 1)) == nil)
    }

    @Test func `of broken programs are none, and nothing traps`() {
        let huge = [UInt8](repeating: 0xff, count: 8)
        let most: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 127]
        for value in [huge, most] {
            #expect(Interpreter.elf(elf(table: value)) == nil)
            #expect(Interpreter.elf(elf(at: value)) == nil)
        }
        var many = elf(type: 1)
        many.replaceSubrange(54..<58, with: [255, 255, 255, 255])
        #expect(Interpreter.elf(many) == nil)
        let whole = elf()
        for count in 0..<whole.count where count < 121 {
            let found = Interpreter.elf(Array(whole[..<count]))
            #expect(found == nil, "of \(count) bytes")
        }
        var other = elf()
        other[4] = 1
        #expect(Interpreter.elf(other) == nil, "32 bits")
    }

    @Test func `of files are read`() throws {
        let directory = try TemporaryDirectory()
        #expect(Interpreter.of(try directory.file("script", "#!/bin/none\n")) == "/bin/none")
        #expect(Interpreter.of(directory["missing"]) == nil)
        #expect(Interpreter.of(directory.path) == nil)
    }
}
