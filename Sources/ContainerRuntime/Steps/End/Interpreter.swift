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
        ELFHeader(head)?.interpreter
    }
}

extension String {
    fileprivate var replacingCarriageReturn: String {
        hasSuffix("\r") ? String(dropLast()) + "\\r" : self
    }
}
