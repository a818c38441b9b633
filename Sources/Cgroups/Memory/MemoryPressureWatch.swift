public import LinuxSystem
public import SystemPackage

/// How scarce memory is, in the words of version 1.
public enum MemoryPressure: String, Sendable, CaseIterable {
    /// Some processes wait for memory a tenth of the time; in version 1 the kernel looks for some.
    case low
    /// Some wait four tenths of it; in version 1 it takes what is in use.
    case medium
    /// All wait a fifth of it; in version 1 it is about to kill.
    case critical

    /// The trigger of version 2: so many microseconds in a second.
    var trigger: String {
        switch self {
        case .low: "some 100000 1000000"
        case .medium: "some 400000 1000000"
        case .critical: "full 200000 1000000"
        }
    }
}

/// Tells by a descriptor when memory is scarce in a cgroup.
public final class MemoryPressureWatch {
    private let counter: EventCounter?
    private let trigger: FileTrigger?

    /// - Throws: Also where the kernel does not count.
    public init(_ group: ControlGroup, _ level: MemoryPressure) throws(Failure) {
        guard let (directory, isVersion2) = group.directory(of: "memory") else {
            throw Failure("the container has no cgroup of the memory controller")
        }
        var counter: EventCounter?
        var trigger: FileTrigger?
        do throws(Failure) {
            if isVersion2 {
                trigger = try MemoryPressureWatch.trigger(directory, level)
            } else {
                counter = try VersionOneEvents.listen(
                    directory, "memory.pressure_level", level.rawValue)
            }
        } catch {
            throw error.advised(
                error.errno == .noSuchFileOrDirectory || error.errno == .notSupported
                    ? "this kernel does not count it (psi=1 switches it on)" : nil)
        }
        self.counter = counter
        self.trigger = trigger
    }

    private static func trigger(
        _ directory: String, _ level: MemoryPressure
    ) throws(Failure) -> FileTrigger {
        let file = "\(directory)/memory.pressure"
        return try attempt(
            "write", on: "\(level.trigger)\" to \"\(file)", try FileTrigger(file, level.trigger))
    }

    /// The descriptor and the events to wait for.
    public var watched: (descriptor: FileDescriptor?, events: Poll.Events) {
        (counter?.borrowed ?? trigger?.borrowed, counter == nil ? .urgent : .readable)
    }

    /// Whether it has been scarce since the last time.
    ///
    /// - Parameter events: What has happened to the descriptor.
    public func take(_ events: Poll.Events) throws(Failure) -> Bool {
        guard let counter else { return events.contains(.urgent) }
        return try attempt("read", "eventfd", try counter.take()) > 0
    }
}
