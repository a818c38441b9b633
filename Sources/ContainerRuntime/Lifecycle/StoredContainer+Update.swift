public import Cgroups
public import JSON
public import LinuxSystem
public import OCISpec
internal import SystemPackage

/// `update` and `events`
extension StoredContainer {
    /// Changes its limits; what is nil in them stays as it is.
    ///
    /// - Parameters:
    ///   - l3CacheSchema: Of `linux.intelRdt`.
    ///   - memoryBandwidthSchema: Likewise.
    public func update(
        _ resources: Resources, l3CacheSchema: String? = nil, memoryBandwidthSchema: String? = nil
    ) throws(Failure) {
        _ = try running()
        // Another update, and what removes the container, write the state too.
        try lock()
        defer { unlock() }
        var state = try running()
        if l3CacheSchema != nil || memoryBandwidthSchema != nil {
            guard let group = state.groups.resctrl else {
                throw Failure(
                    "updating a non-existent Intel RDT configuration is not supported: the container"
                        + " was created without linux.intelRdt")
            }
            try group.update(
                l3CacheSchema: l3CacheSchema, memoryBandwidthSchema: memoryBandwidthSchema)
        }
        var group = state.groups.controlGroup
        try endRoom(in: group)
        let known = group.paths.count
        do {
            try group.update(resources)
        } catch {
            // What it has entered before that is noted all the same.
            if group.paths.count > known { try? note(group, &state) }
            throw error
        }
        if group.paths.count > known { try note(group, &state) }
    }

    /// `delete` has to find the directories that an update has made.
    private func note(
        _ group: ControlGroup, _ state: inout ContainerState
    ) throws(Failure) {
        state.groups.cgroup = group.paths
        state.groups.parents = group.parents
        do {
            try announce(state.groups)
            try write(state)
        } catch {
            throw Failure("the state cannot be written: \(error.words)")
        }
    }

    /// What it uses, as an event.
    public func statistics() throws(Failure) -> JSONOutput {
        let state = try known()
        if try status(state) == .stopped {
            throw Failure("container with id \(id.text) is not running")
        }
        return .object([
            ("type", .string("stats")), ("id", .string(id.text)),
            ("data", state.groups.controlGroup.statistics(resctrl: state.groups.resctrl)),
        ])
    }

    /// - Parameter otherwise: What is said of one that does not run.
    func running(
        _ otherwise: String = "container not running"
    ) throws(Failure) -> ContainerState {
        let state = try known()
        let status = try status(state)
        if status == .stopped || status == .creating { throw Failure(otherwise) }
        return state
    }
}
