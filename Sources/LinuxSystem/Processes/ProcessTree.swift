internal import Glibc
internal import SystemPackage

/// A process and its descendants, as `/proc` shows them.
public enum ProcessTree {
    /// Nanoseconds of processor time of the process, of those that live below it, and of all that they
    /// have waited for. Of this process itself only what it has waited for counts.
    public static func processorTime(below root: Int32) -> UInt64 {
        var entries: [Int32: Entry] = [:]
        for name in (try? HostPath.directories(in: "/proc")) ?? [] {
            guard let pid = Int32(name), let entry = Entry(pid) else { continue }
            entries[pid] = entry
        }
        var sum: UInt64 = 0
        for (pid, entry) in entries where isBelow(pid, root, entries) {
            sum += entry.ofChildren + (pid == getpid() ? 0 : entry.own)
        }
        let ticks = UInt64(max(sysconf(CInt(_SC_CLK_TCK)), 1))
        return sum * (1_000_000_000 / ticks)
    }

    /// The way up may lead in a circle: a number may have changed hands meanwhile.
    private static func isBelow(_ pid: Int32, _ root: Int32, _ entries: [Int32: Entry]) -> Bool {
        var next = pid
        for _ in 0..<entries.count {
            if next == root { return true }
            guard let parent = entries[next]?.parent, parent > 0 else { return false }
            next = parent
        }
        return false
    }

    private struct Entry {
        let parent: Int32
        /// In clock ticks.
        let own: UInt64
        let ofChildren: UInt64

        /// Nil for one that is gone.
        init?(_ pid: Int32) {
            guard let bytes = try? HostPath.readShort("/proc/\(pid)/stat"),
                let end = bytes.lastIndex(of: UInt8(ascii: ")"))
            else { return nil }
            let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 14 else { return nil }
            let numbers = fields[1...14].map { UInt64(String(decoding: $0, as: UTF8.self)) ?? 0 }
            parent = Int32(clamping: numbers[0])
            own = numbers[10] + numbers[11]
            ofChildren = numbers[12] + numbers[13]
        }
    }
}

/// The machine's processors.
public enum Processors {
    /// How many run. The corresponding C function is `sysconf` with `_SC_NPROCESSORS_ONLN`.
    public static var online: Int { max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) }
}
