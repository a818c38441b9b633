internal import Glibc
public import SystemPackage

/// Times that two processes write and one reads: a page of memory shared across `clone3`, so
/// that timing a step costs no system call.
@safe
public final class SharedTimes: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int

    /// Room for `capacity` spans. The corresponding C function is `mmap` with `MAP_SHARED`.
    public init(capacity: Int) throws(Errno) {
        self.capacity = capacity
        let mapped = unsafe mmap(
            nil, max(capacity, 1) * 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw Errno(rawValue: errno)
        }
        unsafe memory = mapped
    }

    /// Notes a span, in nanoseconds of the monotonic clock.
    public func record(_ index: Int, start: UInt64, end: UInt64) {
        precondition(index >= 0 && index < capacity)
        unsafe memory.storeBytes(of: start, toByteOffset: index * 16, as: UInt64.self)
        unsafe memory.storeBytes(of: end, toByteOffset: index * 16 + 8, as: UInt64.self)
    }

    /// The span, nil when it was never noted.
    public func span(_ index: Int) -> (start: UInt64, end: UInt64)? {
        precondition(index >= 0 && index < capacity)
        let start = unsafe memory.load(fromByteOffset: index * 16, as: UInt64.self)
        let end = unsafe memory.load(fromByteOffset: index * 16 + 8, as: UInt64.self)
        return end == 0 ? nil : (start, end)
    }

    deinit {
        unsafe munmap(memory, max(capacity, 1) * 16)
    }
}
