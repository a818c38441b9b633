internal import LinuxSystem
internal import SystemPackage

/// Writes to standard output.
enum Output {
    /// Makes the text printable, which that of `JSONOutput` already is.
    static func write(_ text: String) throws(CommandError) {
        try write(Array(text.printableLines.utf8))
    }

    /// Writes printable bytes.
    static func write(_ bytes: [UInt8]) throws(CommandError) {
        do {
            try FileDescriptor.standardOutput.write(all: bytes)
        } catch {
            throw CommandError("standard output: \(error.words)")
        }
    }
}
