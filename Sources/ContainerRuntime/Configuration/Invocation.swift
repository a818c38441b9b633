/// The settings of the command line, and the privileges of the caller.
public struct Invocation: Sendable {
    /// In place of `process.args`; empty: those of the config.
    public var arguments: [String] = []
    /// The directory that keeps the writable layer, absolute.
    public var upper: String?
    /// The directory of an upper that is discarded, where a tmpfs cannot be used; absolute. nil if no
    /// runtime process stays to remove it.
    public var scratch: String?
    /// The name of the snapshot that is taken of the upper before the run.
    public var snapshot: String?
    /// More layers, bottom first, absolute.
    public var layers: [String] = []
    /// The option by which something reads what was written after the run: `--diff`, `--collect`.
    public var readsUpperFor: String?
    /// Whether it does.
    public var comparesUpper: Bool { readsUpperFor != nil }
    /// Whether the figures of the run are reported.
    public var measures = false
    /// Whether the root is an overlay without a setting in the config.
    public var overlaysByDefault = true
    /// Files in the place of standard streams, in the order of the streams.
    public var streamFiles: [StreamFile] = []
    /// Files of the container in the place of standard streams.
    public var innerStreams = InnerStreams()
    /// Whether the caller has a terminal; without one the program inherits the streams.
    public var hasTerminal = false
    /// Whether a program without a terminal of its own may get the caller's with the standard streams.
    public var sharesTerminal = false
    /// Whether no runtime process stays to hold the terminal.
    public var leavesTerminal = false
    /// Set for `exec`: the process joins this container.
    public var joining: Joining?
    /// The id and the settings that go with it; nil for the one-shot form.
    public var container: Configuration.Container?
    /// Which containers get a control group.
    public var controlGroups = ControlGroups.whenNeeded
    /// Whether systemd makes it.
    public var asksSystemd = false

    /// The system calls that the caller wants to be told of.
    public var notices: SeccompNotices = []

    /// In place of those of `vfs.limits`.
    public var limits = RunLimits()
    /// Limits of each process, in place of those of the config with the same name.
    public var processLimits: [Setting<Configuration.Limit>] = []

    /// The privileges of the runtime process.
    public var privilege = Configuration.Privilege.full
    /// The caller of a rootless container; nil: nothing is adapted to the caller.
    public var rootless: RootlessUser?

    public enum ControlGroups: Sendable {
        /// None.
        case disabled
        /// Those with limits.
        case whenNeeded
        /// All, for commands that pause, list and measure them.
        case always
    }

    public init() {}
}
