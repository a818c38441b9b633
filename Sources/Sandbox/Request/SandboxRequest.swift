/// What a command line of `sandbox` asks for, with its words understood. Reads nothing of the host.
public struct SandboxRequest: Sendable {
    /// The command and its arguments.
    public var arguments: [String] = []
    public var base = Base.system
    /// Layers above the base, bottom first, absolute.
    public var layers: [String] = []
    /// The words of the command line that values come from, by the names of the options: `-m 256m`.
    public var words: [String: String] = [:]
    /// The working directory in the sandbox; nil: the caller's.
    public var workingDirectory: String?
    public var volumes: [Volume] = []
    public var files: [SandboxFile] = []
    /// `NAME=value` each; a later one counts.
    public var environment: [String] = []
    /// Whether the program has no other variables.
    public var hasBareEnvironment = false
    /// `UID[:GID]` or names; nil: the caller.
    public var user: String?
    public var hostname: String?
    /// Whether the program gets a terminal where the caller has one.
    public var mayHaveTerminal = true
    public var addedCapabilities: [String] = []
    public var droppedCapabilities: [String] = []
    /// `linux.resources.cpu` in CPUs, thousandths.
    public var processors: UInt64?
    /// A list of CPUs: `0-2,5`.
    public var processorSet: String?
    /// The limit of memory, in bytes, at which the kernel kills one process and not all.
    public var memory: Int64?
    /// The limit of memory and swap together, in bytes; −1 is none.
    public var memoryAndSwap: Int64?
    /// The sandbox that keeps what is written.
    public var isKept = false
    /// Limits of `vfs.limits`: its keys, their values as text, and the words that they come from;
    /// no words for a default.
    public var limits: [(key: String, text: String, words: String)] = []
    /// The most files that are written and discarded.
    public var mostFiles: UInt64?
    /// Keys of limits that may hold less well, or not at all.
    public var bestEffort: [String] = []
    /// Limits of each process: their names in config.json.
    public var processLimits: [(name: String, soft: UInt64, hard: UInt64, words: String)] = []
    public var network = Network.mode("none")
    /// Whether the sandbox has a network namespace of its own.
    var hasOwnNetwork: Bool { network != .mode("host") }

    public init() {}

    /// The size of a tmpfs that nobody has given one: that of all that the program may write.
    var size: String { limits.first { $0.key == "disk" }?.text ?? "1g" }

    /// What lies below everything else.
    public enum Base: Sendable, Hashable {
        /// Programs and libraries of the host, read-only.
        case system
        /// The whole root of the host, copy-on-write.
        case everything
        /// Layers of a root file system, bottom first, absolute; copy-on-write. `origin` is the
        /// directory that was named.
        case layers([String], environment: [String])
        /// The directories of a box of isolate(1), and nothing else.
        case box([BoxMount])
    }
}
