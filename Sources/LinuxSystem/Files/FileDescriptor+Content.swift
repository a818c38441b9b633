internal import Glibc
public import SystemPackage

extension FileDescriptor {
    /// Reads to the end of the file.
    ///
    /// - Parameter limit: More bytes than this are `EFBIG`.
    public func readAll(limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        // One byte more than the file has, so that the second read sees its end.
        let known = try? FileStatus.of(self).size
        var bytes = [UInt8](repeating: 0, count: Int(min(max(known ?? 0, 4095), 1 << 20)) + 1)
        var count = 0
        while true {
            if count == bytes.count {
                if count > limit { throw .fileTooLarge }
                bytes.append(contentsOf: repeatElement(0, count: count))
            }
            let got = try retryOnInterrupt {
                unsafe bytes.withUnsafeMutableBytes {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[count...])
                    return unsafe Glibc.read(rawValue, rest.baseAddress, rest.count)
                }
            }
            count += got
            // A generated file has no size, or another one.
            if got == 0 || Int64(count) == known && known != 0 { break }
        }
        if count > limit { throw .fileTooLarge }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Reads the whole of a file on a disk, a tmpfs or of a cgroup that is short as a rule: with one
    /// call then.
    public func readShort() throws(Errno) -> [UInt8] {
        let capacity = 2048
        var error: CInt = 0
        let first = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let got = unsafe Glibc.read(rawValue, buffer.baseAddress, capacity)
            error = got < 0 ? errno : 0
            count = max(got, 0)
        }
        // A short read is the end: such a file always gives all it has.
        if error == 0 && first.count < capacity { return first }
        if error != 0 && error != EINTR { throw Errno(rawValue: error) }
        return first + (try readAll())
    }

    /// Fills a buffer as far as there is something to read, waiting for a writer; 0 at the end. The
    /// corresponding C function is `read`.
    public func readSome(_ buffer: inout [UInt8]) throws(Errno) -> Int {
        while true {
            do throws(Errno) {
                return try retryOnInterrupt {
                    unsafe buffer.withUnsafeMutableBytes {
                        unsafe Glibc.read(rawValue, $0.baseAddress, $0.count)
                    }
                }
            } catch .resourceTemporarilyUnavailable {
                _ = try Poll.wait([(self, .readable)])
            }
        }
    }

    /// Writes all of `bytes`, waiting for a reader also where an earlier program has left the
    /// descriptor non-blocking.
    public func write(all bytes: [UInt8]) throws(Errno) {
        var done = 0
        while done < bytes.count {
            do throws(Errno) {
                done += try retryOnInterrupt {
                    unsafe bytes.withUnsafeBytes {
                        let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[done...])
                        return unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
                    }
                }
            } catch .resourceTemporarilyUnavailable {
                _ = try Poll.wait([(self, .writable)])
            }
        }
    }
}
