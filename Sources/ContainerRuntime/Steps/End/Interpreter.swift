internal import LinuxSystem
internal import SystemPackage

/// The program that runs a program: the `#!` line of a script, the loader of an ELF file.
enum Interpreter {
    static func of(_ path: String) -> String? {
        guard let file = try? HostPath.open(path, [.readOnly, .nonBlocking]),
            let head = try? file.borrowed.readSome(4096)
        else { return nil }
        return script(head) ?? elf(head)
    }

    static func script(_ head: [UInt8]) -> String? {
        guard head.starts(with: Array("#!".utf8)) else { return nil }
        let line = head.dropFirst(2).prefix { $0 != 0x0a }
        let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" }
        guard let first = words.first else { return nil }
        // A carriage return from another system is part of the name to the kernel.
        return String(first).replacingCarriageReturn
    }

    /// PT_INTERP of a 64-bit little-endian file, as far as it lies in `head`.
    static func elf(_ head: [UInt8]) -> String? {
        guard head.count >= 64, head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            return nil
        }
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset + size <= head.count else { return nil }
            let value = head[offset..<offset + size].reversed().reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            return Int(exactly: value)
        }
        guard let table = number(32, 8), let size = number(54, 2), let count = number(56, 2) else {
            return nil
        }
        for index in 0..<count {
            guard table < head.count else { return nil }
            let entry = table + index * size
            guard number(entry, 4) == 3, let start = number(entry + 8, 8), start < head.count else {
                continue
            }
            return String(decoding: head[start...].prefix { $0 != 0 }, as: UTF8.self)
        }
        return nil
    }
}

extension String {
    fileprivate var replacingCarriageReturn: String {
        hasSuffix("\r") ? String(dropLast()) + "\\r" : self
    }
}
