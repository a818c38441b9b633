internal import Glibc
internal import SystemPackage

/// A process and its descendants, as `/proc` shows them.
public enum ProcessTree {
    /// Nanoseconds of processor time of the process, of those that live below it, and of all that they
    /// have waited for. Of this process itself only what it has waited for counts.
    public static func processorTime(below root: Int32) -> UInt64 {
        let entries = all
        var sum: UInt64 = 0
        for (pid, entry) in entries where isBelow(pid, root, entries) {
            sum += entry.ofChildren + (pid == getpid() ? 0 : entry.own)
        }
        let ticks = UInt64(max(sysconf(CInt(_SC_CLK_TCK)), 1))
        return sum * (1_000_000_000 / ticks)
    }

    /// Kills the descendants of a process, and those that they make meanwhile. One whose parent has
    /// ended is none any more.
    public static func endDescendants(of root: Int32) {
        // They may make some as fast as they are found: not for ever.
        for _ in 0..<64 {
            let entries = all
            let found = entries.filter { pid, entry in
                pid != root && !entry.hasEnded && isBelow(pid, root, entries)
            }
            if found.isEmpty { return }
            for (pid, entry) in found {
                let identity = ProcessIdentity(pid: pid, startTime: entry.startTime)
                guard let process = try? identity.open() else { continue }
                try? process.borrowed.send(signal: Signal.kill)
            }
        }
    }

    private static var all: [Int32: Entry] {
        var entries: [Int32: Entry] = [:]
        for name in (try? HostPath.directories(in: "/proc")) ?? [] {
            guard let pid = Int32(name), let entry = Entry(pid) else { continue }
            entries[pid] = entry
        }
        return entries
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
        let startTime: UInt64
        /// Whether it has ended and has not been waited for.
        let hasEnded: Bool

        /// Nil for one that is gone.
        init?(_ pid: Int32) {
            guard let bytes = try? HostPath.readShort("/proc/\(pid)/stat"),
                let end = bytes.lastIndex(of: UInt8(ascii: ")"))
            else { return nil }
            let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 19 else { return nil }
            let numbers = fields[1...19].map { UInt64(String(decoding: $0, as: UTF8.self)) ?? 0 }
            parent = Int32(clamping: numbers[0])
            own = numbers[10] + numbers[11]
            ofChildren = numbers[12] + numbers[13]
            startTime = numbers[18]
            hasEnded = fields[0].first == UInt8(ascii: "Z")
        }
    }
}

/// The machine's processors.
public enum Processors {
    /// How many run. The corresponding C function is `sysconf` with `_SC_NPROCESSORS_ONLN`.
    public static var online: Int { max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) }
}
