internal import Glibc
public import SystemPackage

/// Memory that this process and its copies have in common.
@safe
public final class SharedMemory: @unchecked Sendable {
    @unsafe public let bytes: UnsafeMutableRawBufferPointer

    /// The corresponding C function is `mmap` with `MAP_SHARED`.
    public init(size: Int) throws(Errno) {
        let mapped = unsafe mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw Errno(rawValue: errno)
        }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: mapped, count: size)
    }

    deinit {
        unsafe munmap(bytes.baseAddress, bytes.count)
    }
}
