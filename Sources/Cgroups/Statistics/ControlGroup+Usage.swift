/// Figures of a control group that a run is judged by.
extension ControlGroup {
    /// What the processes of the control group have used so far. A figure is nil where no controller
    /// counts it.
    public struct Usage: Sendable, Hashable {
        /// Nanoseconds of processor time.
        public var processorTime: UInt64?
        /// Bytes of memory now, and the most at one time.
        public var memory: UInt64?
        public var peakMemory: UInt64?
        /// Processes and threads now, and the most at one time.
        public var processes: UInt64?
        public var peakProcesses: UInt64?
        /// Processes that the kernel has killed for want of memory.
        public var outOfMemoryKills = 0

        public init() {}
    }

    /// Reads them: a few files of the kernel.
    public var usage: Usage {
        var usage = Usage()
        usage.processorTime = processorTime
        if let (directory, isVersion2) = directory(of: "memory") {
            let (now, most) =
                isVersion2
                ? ("memory.current", "memory.peak")
                : ("memory.usage_in_bytes", "memory.max_usage_in_bytes")
            usage.memory = ControlGroup.number(directory, now)
            usage.peakMemory = ControlGroup.number(directory, most)
            usage.outOfMemoryKills = outOfMemoryKills
        }
        if let (directory, _) = directory(of: "pids") {
            usage.processes = processCount
            usage.peakProcesses = ControlGroup.number(directory, "pids.peak")
        }
        return usage
    }

    /// Processes and threads now, those among them that have ended and were not waited for.
    public var processCount: UInt64? {
        directory(of: "pids").flatMap { ControlGroup.number($0.path, "pids.current") }
    }

    private static func number(_ directory: String, _ name: String) -> UInt64? {
        GroupFile.read(directory, name).flatMap { UInt64($0) }
    }
}
