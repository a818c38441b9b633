internal import Glibc
internal import SystemPackage

/// A process and its descendants, as `/proc` shows them. One whose parent has ended is the child of the
/// next subreaper or init above.
public enum ProcessTree {
    /// Nanoseconds of processor time of the process, of those that live below it, and of all that they
    /// have waited for. Of this process itself only what it has waited for counts.
    ///
    /// - Parameter others: Those below it that do not count.
    ///
    /// The corresponding C functions are `clock_getcpuclockid` and `clock_gettime`: `/proc` itself tells
    /// of a running process by the clock tick.
    public static func processorTime(below root: Int32, without others: [Int32] = []) -> UInt64 {
        let tick = 1_000_000_000 / UInt64(max(sysconf(CInt(_SC_CLK_TCK)), 1))
        var sum: UInt64 = 0
        for (pid, entry) in members(below: root) where !others.contains(pid) {
            sum += entry.ofChildren * tick
            if pid != getpid() { sum += processorTime(of: pid) ?? entry.own * tick }
        }
        return sum
    }

    /// The process and those that live below it.
    public static func processes(below root: Int32) -> [Int32] { Array(members(below: root).keys) }

    /// Kills the descendants of a process, and those that they make meanwhile. One whose parent has
    /// ended is none any more.
    public static func endDescendants(of root: Int32) {
        // They may make some as fast as they are found: not for ever.
        for _ in 0..<64 {
            let found = select(below: root, of: all).filter { $0.key != root && !$0.value.hasEnded }
            if found.isEmpty { return }
            kill(found)
        }
    }

    /// Kills those below a process that dies with all of them: no one of them has to wait for its end.
    public static func hastenEnd(below root: Int32) {
        kill(members(below: root).filter { $0.key != root && !$0.value.hasEnded })
    }

    private static func kill(_ processes: [Int32: Entry]) {
        for (pid, entry) in processes {
            let identity = ProcessIdentity(pid: pid, startTime: entry.startTime)
            // It has ended, or another one has its number.
            guard let process = try? identity.open() else { continue }
            try? process.borrowed.send(signal: Signal.kill)
        }
    }

    /// By the lists of children, where the kernel has them: a machine has more processes than a
    /// container. One that is made or ends meanwhile may be left out.
    private static func members(below root: Int32) -> [Int32: Entry] {
        guard hasChildren else { return select(below: root, of: all) }
        var found: [Int32: Entry] = [:]
        var waiting = [root]
        while found.count < most, let pid = waiting.popLast() {
            // A number may have changed hands meanwhile: none is asked twice.
            guard found[pid] == nil, let entry = Entry(pid) else { continue }
            found[pid] = entry
            waiting += children(of: pid, hasThreads: entry.threads > 1)
        }
        return found
    }

    /// They may make some as fast as they are found.
    private static let most = 1 << 17

    private static func children(of pid: Int32, hasThreads: Bool) -> [Int32] {
        let tasks = "/proc/\(pid)/task"
        let threads = hasThreads ? (try? HostPath.directories(in: tasks)) ?? [] : [String(pid)]
        return threads.flatMap { thread in
            let bytes = (try? HostPath.read("\(tasks)/\(thread)/children")) ?? []
            return bytes.split(separator: 0x20).compactMap {
                Int32(String(decoding: $0, as: UTF8.self))
            }
        }
    }

    private static let hasChildren =
        (try? HostPath.open("/proc/self/task/\(getpid())/children", [])) != nil

    private static func processorTime(of pid: Int32) -> UInt64? {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(pid, &clock) == 0, unsafe clock_gettime(clock, &time) == 0
        else { return nil }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static var all: [Int32: Entry] {
        var entries: [Int32: Entry] = [:]
        for name in (try? HostPath.directories(in: "/proc")) ?? [] {
            guard let pid = Int32(name), let entry = Entry(pid) else { continue }
            entries[pid] = entry
        }
        return entries
    }

    /// Each way up is gone once. It may lead in a circle: a number may have changed hands meanwhile.
    static func select(below root: Int32, of entries: [Int32: Entry]) -> [Int32: Entry] {
        var isBelow: [Int32: Bool] = [root: true]
        for pid in entries.keys {
            var way: [Int32] = []
            var next = pid
            while isBelow[next] == nil, let parent = entries[next]?.parent {
                isBelow[next] = false
                way.append(next)
                next = parent
            }
            if isBelow[next] == true { for pid in way { isBelow[pid] = true } }
        }
        return entries.filter { isBelow[$0.key] == true }
    }

    struct Entry {
        let parent: Int32
        /// In clock ticks.
        var own: UInt64 = 0
        var ofChildren: UInt64 = 0
        var threads: UInt64 = 1
        var startTime: UInt64 = 0
        /// Whether it has ended and has not been waited for.
        var hasEnded = false

        init(parent: Int32) { self.parent = parent }

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
            threads = numbers[16]
            startTime = numbers[18]
            // Where its first thread alone has ended the process lives on.
            hasEnded = fields[0].first == UInt8(ascii: "Z") && threads <= 1
        }
    }
}

/// The machine's processors.
public enum Processors {
    /// How many run. The corresponding C function is `sysconf` with `_SC_NPROCESSORS_ONLN`.
    public static var online: Int { max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) }
}
