internal import LinuxSystem
public import OCISpec

/// A cgroup to be made.
public struct ControlGroupRequest: Sendable {
    /// `linux.cgroupsPath`.
    public var path: String?
    /// Of the cgroup where there is no path: the container's id.
    public var name: String
    public var resources: Resources
    /// Whether commands will pause, list and measure the container: then it has a cgroup in the
    /// hierarchies that take, and a policy for devices, even when the config asks for nothing.
    public var isManaged: Bool
    /// Of one that is managed. Only root of the machine may have a policy.
    public var policesDevices = true
    /// Whether it has to tell how much processor time it has used.
    public var isCounted = false
    /// Set when systemd is to make it: then `path` is not looked at.
    public var unit: SystemdUnitRequest?
    /// As they were read for an earlier one; nil reads them.
    public var hierarchies: Hierarchies?

    public init(
        path: String?, name: String, resources: Resources, isManaged: Bool,
        unit: SystemdUnitRequest? = nil
    ) {
        self.unit = unit
        self.path = path
        self.name = name
        self.resources = resources
        self.isManaged = isManaged
    }
}

extension ControlGroupRequest {
    var limitsDevices: Bool { !resources.devices.isEmpty || isManaged && policesDevices }

    /// The files of version 1 that filter devices, and what is written to them, in this order; empty where
    /// the cgroup leaves devices alone.
    public var deviceFiles: [(file: String, value: String)] {
        (try? devicePolicy)?.version1 ?? []
    }

    /// Nil where the cgroup leaves devices alone.
    var devicePolicy: DevicePolicy? {
        get throws(Failure) {
            if !limitsDevices { return nil }
            return try DevicePolicy(resources.deviceRules ?? [], standard: DeviceRule.standard)
        }
    }
}
