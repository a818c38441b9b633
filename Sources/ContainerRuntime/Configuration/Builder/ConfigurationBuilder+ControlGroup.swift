internal import Cgroups
internal import LinuxSystem
internal import OCISpec

/// Control groups, and the group of resctrl.
extension ConfigurationBuilder {
    func controlGroup() -> Setting<Configuration.ControlGroup>? {
        let resources = decision.resources(request.resources)
        guard request.makesControlGroup || decision.needsGroup else { return nil }
        let policesDevices = invocation.privilege == .full
        let path = request.controlGroupPath
        let offset = request.spec.linux?.resources?.offset ?? path?.offset
        let unit =
            invocation.asksSystemd ? request.systemdUnit(isUsers: host.usesUsersSystemd) : nil
        // One that the config names is there, or the start fails.
        let isNamed = path.map { !$0.value.isEmpty } ?? false
        let mayLack =
            request.adaptsToCaller || (!resources.needControlGroup && !isNamed)
        return Setting(
            .init(
                path: path?.value, id: invocation.container?.id.text, resources: resources,
                isManaged: invocation.controlGroups == .always, policesDevices: policesDevices,
                isOptional: !policesDevices && !decision.needsGroup && mayLack,
                unit: unit, isCounted: decision.uses(.group, for: .cpuTime) || invocation.measures),
            offset.map(Origin.config) ?? decision.groupOrigin ?? .standard)
    }

    func resourceDirector(
        _ director: Spec.Linux.IntelRdt
    ) -> Setting<ResctrlRequest> {
        func text(_ located: Located<String>?) -> String? {
            located.flatMap { $0.value.isEmpty ? nil : $0.value }
        }
        return Setting(
            ResctrlRequest(
                group: text(director.closID),
                name: invocation.container?.id.text ?? "vfs-run-\(CurrentProcess.pid)",
                l3CacheSchema: text(director.l3CacheSchema),
                memoryBandwidthSchema: text(director.memBwSchema),
                schemata: director.schemata.map(\.value),
                monitors: director.enableMonitoring?.value ?? false),
            .config(director.offset))
    }
}

extension Request {
    /// The unit that systemd makes for the container.
    ///
    /// - Parameter report: Called with each error and its place.
    func systemdUnit(
        isUsers: Bool, report: (String, Int?) -> Void = { _, _ in }
    ) -> SystemdUnitRequest? {
        let name = invocation.container?.id.text ?? String(CurrentProcess.pid)
        do throws(Failure) {
            var unit = try SystemdUnitRequest(
                path: controlGroupPath?.value, name: name, isUsers: isUsers)
            for (key, value) in spec.annotations {
                do throws(Failure) {
                    unit.properties += [try SystemdProperty(annotation: key.value, value.value)]
                        .compactMap(\.self)
                } catch {
                    report(error.message, value.offset)
                }
            }
            return unit
        } catch {
            report(error.message, controlGroupPath?.offset)
            return nil
        }
    }
}
