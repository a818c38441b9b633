internal import LinuxSystem
internal import SystemPackage

/// Writes to standard output.
enum Output {
    /// Lines for people, or JSON: printable either way, which JSON that `JSONOutput` has written is
    /// already.
    static func write(_ text: String) throws(CommandError) {
        try write(Array(text.printableLines.utf8))
    }

    /// What is printable as it is.
    static func write(_ bytes: [UInt8]) throws(CommandError) {
        do {
            try FileDescriptor.standardOutput.write(all: bytes)
        } catch {
            throw CommandError("standard output: \(error.words)")
        }
    }
}
