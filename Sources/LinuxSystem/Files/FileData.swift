internal import CLinux
internal import Glibc
public import SystemPackage

/// The content of a file that is open for reading.
extension FileDescriptor {
    /// Whether the first `size` bytes of two files are the same. Holes are not read.
    public func hasSameData(as other: FileDescriptor, size: Int64) throws(Errno) -> Bool {
        try check(clinux_same_data(rawValue, other.rawValue, size)) == 1
    }

    /// Fills a buffer from `offset` on, as far as the file reaches; how many bytes that were. The
    /// corresponding C function is `pread`.
    @unsafe
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try retryOnInterrupt {
                unsafe Glibc.pread(
                    rawValue, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                    off_t(offset) + off_t(done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// As `write(all:)`, from memory of the caller's.
    @unsafe
    public func write(all bytes: UnsafeRawBufferPointer) throws(Errno) {
        var done = 0
        while done < bytes.count {
            do throws(Errno) {
                done += try retryOnInterrupt {
                    unsafe Glibc.write(
                        rawValue, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
                }
            } catch .resourceTemporarilyUnavailable {
                _ = try Poll.wait([(self, .writable)])
            }
        }
    }
}
