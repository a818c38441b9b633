internal import LinuxSystem
internal import SystemPackage

/// Writes to standard output.
enum Output {
    /// Makes the text printable, which that of `JSONOutput` already is.
    static func write(_ text: String) throws(Failure) {
        try write(Array(text.printableLines.utf8))
    }

    /// Writes printable bytes.
    static func write(_ bytes: [UInt8]) throws(Failure) {
        try attempt(
            "write", "standard output", try FileDescriptor.standardOutput.write(all: bytes))
    }
}
