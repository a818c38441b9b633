public import Cgroups
public import LinuxSystem
internal import SystemPackage

/// Follows a container to its end: nothing is asked again and again.
public final class ContainerWatch {
    public enum Event: Sendable, Hashable {
        /// The kernel has killed one of its processes for want of memory.
        case outOfMemory
        case memoryPressure
        /// Its first process has ended.
        case ended
    }

    /// Nil: it is gone.
    private let process: HeldDescriptor?
    private let outOfMemory: OutOfMemoryWatch
    private let pressure: MemoryPressureWatch?

    init(
        _ process: HeldDescriptor?, _ outOfMemory: OutOfMemoryWatch,
        _ pressure: MemoryPressureWatch?
    ) {
        self.process = process
        self.outOfMemory = outOfMemory
        self.pressure = pressure
    }

    /// Waits for something to happen.
    ///
    /// - Parameter deadline: On `Clock`.
    /// - Returns: What has, in its order; nothing when it was time.
    public func next(until deadline: UInt64) throws(Failure) -> [Event] {
        do throws(Failure) {
            guard let process else { return try killed() + [.ended] }
            let pressed = pressure?.watched ?? (nil, .readable)
            let found = try attempt(
                "poll",
                try Poll.wait(
                    [(process.borrowed, .readable), (outOfMemory.borrowed, .readable), pressed],
                    until: deadline))
            let hasEnded = !found[0].isEmpty
            var events: [Event] = []
            if hasEnded || !found[1].isEmpty { events += try killed() }
            if !found[2].isEmpty, try pressure?.take(found[2]) == true {
                events.append(.memoryPressure)
            }
            return events + (hasEnded ? [.ended] : [])
        } catch {
            throw Failure("the container cannot be watched: \(error)")
        }
    }

    private func killed() throws(Failure) -> [Event] {
        Array(repeating: .outOfMemory, count: try outOfMemory.take())
    }
}

extension StoredContainer {
    /// - Parameter pressure: How scarce memory has to be to be told of; nil is never.
    public func watch(
        memoryPressure pressure: MemoryPressure?
    ) throws(Failure) -> ContainerWatch {
        let state = try running("container with id \(id.text) is not running")
        let group = state.groups.controlGroup
        do throws(Failure) {
            let process = try attempt("pidfd_open", try state.process?.held())
            let killed = try OutOfMemoryWatch(group)
            var pressed: MemoryPressureWatch?
            if let pressure { pressed = try MemoryPressureWatch(group, pressure) }
            return ContainerWatch(process, killed, pressed)
        } catch {
            throw error.within("the container cannot be watched")
        }
    }
}
