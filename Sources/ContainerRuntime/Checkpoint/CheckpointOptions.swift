internal import LinuxSystem

/// The options of `checkpoint` and `restore`, with runc's names.
public struct CheckpointOptions: Sendable {
    /// The directory of the images, absolute.
    public var imagePath: String
    /// The directory of CRIU's log and statistics, absolute; nil: that of the images.
    public var workPath: String?
    /// The directory of earlier images, relative to that of the images.
    public var parentPath: String?
    public var leavesRunning = false
    public var keepsConnections = false
    public var skipsInFlight = false
    public var linksRemoved = false
    public var keepsUnixSockets = false
    public var isShellJob = false
    public var isLazy = false
    public var keepsLocks = false
    public var isPreDump = false
    public var deduplicates = false
    /// Gets a zero byte when the page server is ready.
    public var statusDescriptor: CInt?
    public var pageServer: (address: String, port: UInt16)?
    public var controlGroups = ControlGroupMode.standard
    public var label: String?
    public var mountLabel: String?

    /// What CRIU does about control groups. The raw values are those of `criu_cg_mode`.
    public enum ControlGroupMode: Int, Sendable {
        case ignore = 0
        case soft = 3
        case full = 4
        case strict = 5
        case standard = 6

        /// As `--manage-cgroups-mode` names it.
        public init?(_ name: String) {
            switch name {
            case "": self = .standard
            case "soft": self = .soft
            case "full": self = .full
            case "strict": self = .strict
            case "ignore": self = .ignore
            default: return nil
            }
        }
    }

    public init(imagePath: String) { self.imagePath = imagePath }

    /// For both directions.
    func apply(to request: inout CRIURequest) {
        request.set(.logLevel, 4)
        request.set(.notices, true)
        request.set(.shellJob, isShellJob)
        request.set(.externalUnixSockets, keepsUnixSockets)
        request.set(.establishedConnections, keepsConnections)
        request.set(.fileLocks, keepsLocks)
        request.set(.orphanedTerminals, true)
        request.set(.deduplicates, deduplicates)
        request.set(.lazyPages, isLazy)
        request.set(.managesControlGroups, true)
        request.set(.controlGroupMode, controlGroups.rawValue)
        // Devices of a network namespace are the engine's business; its loopback device is made anew.
        request.set(.emptyNamespaces, Int(NamespaceSet.network.rawValue))
    }
}
