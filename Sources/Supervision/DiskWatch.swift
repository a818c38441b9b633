internal import LinuxSystem
internal import SystemPackage

/// The bytes in directories of the host, looked at from time to time.
struct DiskWatch {
    struct Usage {
        var bytes: UInt64 = 0
        var files: UInt64 = 0
    }

    private let paths: [String]
    private let limit: UInt64
    private(set) var next: UInt64
    private(set) var usage = Usage()

    /// Nanoseconds between two looks.
    private static let interval: UInt64 = 50_000_000
    private static let longest: UInt64 = 1_000_000_000

    init(_ paths: [String], limit: UInt64, from time: UInt64) {
        self.paths = paths
        self.limit = limit
        next = time + DiskWatch.interval
    }

    /// - Returns: Whether the limit is exceeded.
    mutating func look(_ now: UInt64) -> Bool {
        guard now >= next else { return false }
        let isOver = isExceeded
        let end = Clock.nanoseconds
        // A large tree takes no more than a tenth of a processor, as long as it can wait.
        next = end + max(DiskWatch.interval, min((end - now) * 9, DiskWatch.longest))
        return isOver
    }

    /// Also where it cannot be measured: then nothing would hold the container to the limit.
    var isExceeded: Bool {
        mutating get {
            var sum = Usage()
            for path in paths {
                guard let (bytes, files) = try? TreeSize.measure(path) else { return true }
                sum.bytes += bytes
                sum.files += files
            }
            usage = sum
            return sum.bytes > limit
        }
    }
}
