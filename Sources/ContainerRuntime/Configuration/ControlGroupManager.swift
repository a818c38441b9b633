/// The manager of control groups, by the names that engines use.
public enum ControlGroupManager: String, Sendable {
    /// The runtime process, in the file system.
    case files = "cgroupfs"
    case systemd
    /// None: the container stays in the control groups of the caller.
    case disabled
}
