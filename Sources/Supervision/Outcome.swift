public import Cgroups
public import ContainerRuntime
public import Layers
public import LinuxSystem
public import SystemPackage

/// How a supervised run came out. Commands, reports and batches read it; it decides nothing.
public struct Outcome {
    /// How the run ended.
    public enum Ending: Sendable, Hashable {
        /// The container is created, or its program runs: the runtime process has left it.
        case left
        case exited(CInt)
        case signaled(CInt)
        /// The kernel killed the program for want of memory.
        case outOfMemory
        /// The deadline has passed; the container was killed.
        case timedOut
        /// The observer of the usage asked for the end; the container was killed.
        case stopped
        /// The container has exceeded a limit of its config; it was killed if it still ran.
        case exceeded(RunLimits.Name)
    }

    /// What the run has used.
    public struct Usage: Sendable, Hashable {
        /// The container's first process and the descendants that it has waited for. Nil where it is
        /// left running.
        public var processes: ProcessUsage?
        /// All processes of the container. Nil without a control group, and where it was not to be
        /// measured.
        public var controlGroup: ControlGroup.Usage?
        /// The same with all its figures.
        public var account: ControlGroup.Account?
        /// Nanoseconds of processor time by the last sum over `/proc`; nil where none was made.
        public var sumOfProcesses: UInt64?
        /// Nanoseconds of processor time, in user mode and in kernel mode, that the start took: they
        /// are in the figures above.
        public var spentUser: UInt64 = 0
        public var spentSystem: UInt64 = 0
        /// Bytes of physical memory that the process had before the program: the kernel counts the most
        /// from there.
        public var spentMemory: UInt64 = 0
        /// Bytes that the program has written. Nil where the stream does not go through the runtime
        /// process, and for standard error where it is the same file as standard output.
        public var output: UInt64?
        public var error: UInt64?
        /// Bytes and files in the upper, where it was looked at.
        public var diskBytes: UInt64?
        public var diskFiles: UInt64?
        /// Whether a file system of limited size had no room left at the end.
        public var isDiskFull = false
    }

    /// What holds the limits of the run, and which of them were reached.
    public struct Limits: Sendable {
        public var limits = RunLimits()
        public var holders: [RunLimits.Name: RunLimits.Holder] = [:]
        /// Bytes of memory, and processes, that `linux.resources` allows.
        public var memory: UInt64?
        public var processes: UInt64?

        public init() {}
    }

    /// An upper of the container, and the layers below it.
    public struct Upper {
        /// Where the container has its tree.
        public let path: String
        public let directory: LayerDirectory
        public let over: KeptUpper.Record
    }

    /// Connections of the container to the proxy on the host.
    public struct Proxy: Sendable, Hashable {
        public var connections: UInt64 = 0
        /// Of these, the ones that the proxy's socket did not take.
        public var refused: UInt64 = 0
        /// Why, of the last one.
        public var problem: Errno?
    }

    /// Points in time, on `Clock`.
    public struct Timings: Sendable, Hashable {
        /// The runtime process took the first step.
        public var begun: UInt64
        /// The init process was made; nil where the deadline came first.
        public var made: UInt64?
        /// The program was executed; nil where that did not come to pass.
        public var started: UInt64?
        /// The container ended, or the runtime process left it.
        public var ended: UInt64
    }

    public var ending: Ending
    /// How the container's first process ended, whatever ended it. Nil where it is left running.
    public var program: ChildProcess.Ending?
    /// Whether the program's filter may end it.
    public var filterMayKill = false
    public var limits = Limits()
    public var usage = Usage()
    /// Processes of the container that the kernel has killed for want of memory.
    public var outOfMemoryKills = 0
    /// Nil where the container has no proxy.
    public var proxy: Proxy?
    /// That of the root first. None where the plan does not ask for them. Valid until
    /// `Supervisor.finish`.
    public var uppers: [Upper] = []
    /// That of the root.
    public var upper: Upper? { uppers.first { $0.path == "/" } }
    /// Each has been told at its time as well.
    public var warnings: [String] = []
    public var timings: Timings
}
