internal import DBus
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension ControlGroup {
    /// Has systemd make the scope, with nothing but the anchor in it.
    static func startUnit(
        _ request: SystemdUnitRequest, _ resources: Resources, devices: DevicePolicy?,
        _ hierarchies: Hierarchies
    ) throws(Failure) -> SystemdAnchor {
        var systemd = try Systemd(ofUser: request.unit.isUsers)
        var properties = SystemdProperties.scope(request, hierarchies)
        properties += try limits(resources, hierarchies, &systemd, isNew: true)
        if let devices {
            properties += SystemdProperties.devices(devices, names: knownDrivers)
        }
        let anchor = try SystemdAnchor()
        properties.append(
            SystemdProperty("PIDs", .array(of: "u", [.uint32(UInt32(anchor.pid))])))
        // Properties of the config win: systemd takes the last of a name.
        properties += request.properties
        do throws(Failure) {
            try systemd.start(request.unit.name, properties)
        } catch {
            anchor.end()
            throw error
        }
        return anchor
    }

    private static func limits(
        _ resources: Resources, _ hierarchies: Hierarchies, _ systemd: inout Systemd,
        isNew: Bool = false, current: CurrentValue = { _ in nil }
    ) throws(Failure) -> [SystemdProperty] {
        let isIdle =
            resources.cpu?.idle?.value == 1
            || resources.unified.contains { $0.file.value == "cpu.idle" }
        // Most need nothing that only newer ones have.
        let version = isIdle || resources.killsTogether ? try systemd.version() : 0
        return try SystemdProperties(
            resources, hierarchies, current: current, knowsIdle: version >= 252,
            knowsPolicy: isNew && version >= 253
        ).all
    }

    private static var knownDrivers: String {
        // Without it systemd is told of single devices alone, and the rest stays closed.
        String(decoding: (try? HostPath.read("/proc/devices")) ?? [], as: UTF8.self)
    }

    /// Tells systemd of new limits, before they are written.
    func updateUnit(
        _ unit: SystemdUnit, _ resources: Resources, _ hierarchies: Hierarchies
    ) throws(Failure) {
        let current: CurrentValue = { file in version2.flatMap { GroupFile.read($0, file) } }
        // systemd would not ask.
        try Version2.checkUsage(resources.memory, current)
        var systemd = try Systemd(ofUser: unit.isUsers)
        let properties = try ControlGroup.limits(
            resources, hierarchies, &systemd, current: current)
        if !properties.isEmpty { try systemd.set(unit.name, properties) }
    }

    /// Has systemd forget the unit. What cannot be told it finds out: a scope without processes
    /// goes by itself.
    func stopUnit(_ unit: SystemdUnit) {
        if var systemd = try? Systemd(ofUser: unit.isUsers) { try? systemd.stop(unit.name) }
    }
}

extension SystemdProperties {
    /// The properties of every container's scope.
    static func scope(
        _ request: SystemdUnitRequest, _ hierarchies: Hierarchies
    ) -> [SystemdProperty] {
        let blockAccounting =
            hierarchies.version1(with: "blkio") == nil ? "IOAccounting" : "BlockIOAccounting"
        return [
            SystemdProperty("Description", .string(request.description)),
            SystemdProperty("Slice", .string(request.slice)),
            // The cgroups below are the container's own business.
            SystemdProperty("Delegate", .bool(true)),
            // Or it would end before the engine that looks after it.
            SystemdProperty("DefaultDependencies", .bool(false)),
            SystemdProperty("MemoryAccounting", .bool(true)),
            SystemdProperty("CPUAccounting", .bool(true)),
            SystemdProperty(blockAccounting, .bool(true)),
            SystemdProperty("TasksAccounting", .bool(true)),
        ]
    }
}
