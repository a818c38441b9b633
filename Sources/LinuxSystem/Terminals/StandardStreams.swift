internal import CLinux
internal import Glibc
public import SystemPackage

extension FileDescriptor {
    /// Whether it is a handle that reads and writes nothing. The corresponding C function is `fcntl`
    /// with `F_GETFL`, the constant `O_PATH`.
    public var isHandle: Bool {
        get throws(Errno) { try check(fcntl(rawValue, F_GETFL)) & CInt(CLINUX_O_PATH) != 0 }
    }

    /// Where the next read begins, in bytes; `Errno.illegalSeek` where there is no such place. The
    /// corresponding C function is `lseek` with `SEEK_CUR`.
    public var position: Int64 {
        get throws(Errno) { try Int64(check(Glibc.lseek(rawValue, 0, SEEK_CUR))) }
    }

    /// The next read begins at `position`. The corresponding C function is `lseek` with `SEEK_SET`.
    public func move(to position: Int64) throws(Errno) {
        _ = try check(Glibc.lseek(rawValue, off_t(position), SEEK_SET))
    }

    /// How many bytes were written to a pipe and not read yet. The corresponding C function is
    /// `ioctl` with `FIONREAD`.
    public var unreadCount: Int {
        get throws(Errno) {
            var count: CInt = 0
            try checkDone(unsafe clinux_ioctl_pointer(rawValue, UInt(FIONREAD), &count))
            return Int(count)
        }
    }

    /// At most `capacity` bytes from `offset` on, none at the end; the position stays. The
    /// corresponding C function is `pread`.
    public func readSome(_ capacity: Int, at offset: Int64) throws(Errno) -> [UInt8] {
        var error: CInt = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            var got: Int
            repeat {
                got = unsafe Glibc.pread(rawValue, buffer.baseAddress, capacity, off_t(offset))
                error = got < 0 ? errno : 0
            } while error == EINTR
            count = max(got, 0)
        }
        if error == 0 { return bytes }
        throw Errno(rawValue: error)
    }
}
