/// What the command line says about a container besides its config.json.
public struct Invocation: Sendable {
    /// `args[0]` and what follows; empty leaves the config's.
    public var arguments: [String] = []
    /// The directory that keeps the writable layer, absolute.
    public var upper: String?
    /// Where what is thrown away may be written if no tmpfs can hold it, absolute; nil where nobody
    /// stays to remove it.
    public var scratch: String?
    /// What the upper is frozen as before the run.
    public var snapshot: String?
    /// More layers, bottom first, absolute.
    public var layers: [String] = []
    /// Whether the caller wants to see what was written.
    public var comparesUpper = false
    /// Whether the root is an overlay where the config does not say.
    public var overlaysByDefault = true
    /// Whether the caller has a terminal to offer; without one streams pass through.
    public var hasTerminal = false
    /// Whether nobody stays who could keep the container's terminal.
    public var leavesTerminal = false
    /// What `exec` asks for: the process joins this container instead of making one.
    public var joining: Joining?
    /// The name it gets and what goes with it; nil for the one-shot form.
    public var container: Configuration.Container?
    /// Which containers get a cgroup.
    public var controlGroups = ControlGroups.whenNeeded
    /// Whether systemd makes it.
    public var asksSystemd = false

    /// What the runtime may do.
    public var privilege = Configuration.Privilege.full
    /// Whoever is not root and gets by without; nil leaves everything as the config has it.
    public var rootless: RootlessUser?

    public enum ControlGroups: Sendable {
        /// None.
        case disabled
        /// Those whose config has limits.
        case whenNeeded
        /// All, since commands will pause, list and measure them.
        case always
    }

    public init() {}
}
