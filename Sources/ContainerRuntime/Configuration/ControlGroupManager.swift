/// Who makes the control groups, by the names that engines give them.
public enum ControlGroupManager: String, Sendable {
    /// The runtime, in the file system.
    case files = "cgroupfs"
    case systemd
    /// Nobody: the container stays in the groups of whoever starts it.
    case disabled
}
