internal import LinuxSystem

/// What a run is held to as a whole, checked: `vfs.limits`, and the options in its place.
public struct RunLimits: Sendable {
    /// The limits by their keys in config.json, in the order of reports.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case wallTime, cpuTime, memory
        case processes = "pids"
        case output, disk
    }

    /// What holds a limit.
    public enum Holder: String, Sendable, Hashable {
        case timer
        case cgroup1, cgroup2
        case rlimit
        /// A sum over `/proc`, looked at from time to time.
        case proc
        case pipe
        /// The size of a file system.
        case tmpfs
        /// A directory, looked at from time to time.
        case watch
    }

    /// Nanoseconds from the program's execution to its end.
    public var wallTime: Setting<UInt64>?
    /// Nanoseconds of processor time of all processes together.
    public var cpuTime: Setting<UInt64>?
    /// Bytes of all processes together, without swap.
    public var memory: Setting<UInt64>?
    /// Processes and threads at one time.
    public var processes: Setting<UInt64>?
    /// Bytes on standard output and standard error together.
    public var output: Setting<UInt64>?
    /// Bytes in the upper.
    public var disk: Setting<UInt64>?
    /// Those that may hold less well, or not at all.
    public var bestEffort: Set<Name> = []

    public init() {}

    public subscript(_ name: Name) -> Setting<UInt64>? {
        get {
            switch name {
            case .wallTime: wallTime
            case .cpuTime: cpuTime
            case .memory: memory
            case .processes: processes
            case .output: output
            case .disk: disk
            }
        }
        set {
            switch name {
            case .wallTime: wallTime = newValue
            case .cpuTime: cpuTime = newValue
            case .memory: memory = newValue
            case .processes: processes = newValue
            case .output: output = newValue
            case .disk: disk = newValue
            }
        }
    }

    public var isEmpty: Bool { Name.allCases.allSatisfy { self[$0] == nil } }

    /// The number in a limit's text; nil for text that is none.
    public static func value(_ name: Name, _ text: String) -> UInt64? {
        switch name {
        case .wallTime, .cpuTime: Quantity.nanoseconds(text)
        case .memory, .output, .disk: Quantity.bytes(text)
        case .processes: UInt64(text).flatMap { $0 > 0 && $0 <= 1 << 22 ? $0 : nil }
        }
    }

    /// The words for such a text.
    public static func form(_ name: Name) -> String {
        switch name {
        case .wallTime, .cpuTime: "a duration; write 10s, 500ms, 2m or 1h"
        case .memory, .output, .disk: "a size; write 64m, 1g or a number of bytes"
        case .processes: "a number of processes from 1 to \(1 << 22)"
        }
    }

    /// A limit for people: `256 MiB`.
    public static func words(_ name: Name, _ value: UInt64) -> String {
        switch name {
        case .wallTime, .cpuTime: Quantity.duration(value)
        case .memory, .output, .disk: Quantity.size(value)
        case .processes: String(value)
        }
    }
}
