internal import CLinux
internal import Glibc
public import SystemPackage

/// The content of a file that is open for reading.
extension FileDescriptor {
    /// Whether the first `size` bytes of two files are the same. Holes are not read.
    public func hasSameData(as other: FileDescriptor, size: Int64) throws(Errno) -> Bool {
        try check(clinux_same_data(rawValue, other.rawValue, size)) == 1
    }

    /// Where the first `size` bytes of the file are more than holes; one part for all of it where
    /// the file system knows of none.
    ///
    /// - Parameter limit: More parts than this are `EFBIG`.
    ///
    /// The corresponding C function is `lseek` with `SEEK_DATA` and `SEEK_HOLE`.
    public func dataParts(
        size: Int64, limit: Int
    ) throws(Errno) -> [(start: Int64, count: Int64)] {
        var parts: [(start: Int64, count: Int64)] = []
        var position: Int64 = 0
        while position < size {
            let start = Int64(Glibc.lseek(rawValue, off_t(position), CInt(CLINUX_SEEK_DATA)))
            if start < 0 {
                switch Errno(rawValue: errno) {
                case .noSuchAddressOrDevice: return parts
                case .invalidArgument: return [(0, size)]
                case let error: throw error
                }
            }
            let end = try Int64(check(Glibc.lseek(rawValue, off_t(start), CInt(CLINUX_SEEK_HOLE))))
            if start >= size { break }
            if parts.count == limit { throw .fileTooLarge }
            position = min(max(end, start + 1), size)
            parts.append((start, position - start))
        }
        return parts
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
