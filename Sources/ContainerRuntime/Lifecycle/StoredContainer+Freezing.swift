internal import Cgroups
public import LinuxSystem

/// `pause`, `resume` and `ps`
extension StoredContainer {
    public func pause() throws(Failure) {
        let state = try known()
        let status = try status(state)
        if status != .running && status != .created { throw Failure("container not running") }
        if state.groups.cgroup.isEmpty { throw Failure(StoredContainer.noControlGroup) }
        do {
            try state.groups.controlGroup.freeze()
        } catch {
            throw Failure("the container cannot be paused: \(error)")
        }
    }

    public func resume() throws(Failure) {
        let state = try known()
        if try status(state) != .paused { throw Failure("container not paused") }
        do {
            try state.groups.controlGroup.thaw()
        } catch {
            throw Failure("the container cannot be resumed: \(error)")
        }
    }

    private static let noControlGroup =
        "the container has no control group; it was created with --cgroup-manager disabled"

    /// The pids of its processes, as seen here.
    public func processes() throws(Failure) -> [Int32] {
        let state = try known()
        if state.groups.cgroup.isEmpty {
            guard try status(state) != .stopped, let process = state.programProcess else {
                return []
            }
            return state.ownsProcesses ? process.withNamespaceMates : [process.pid]
        }
        return try state.groups.controlGroup.processes()
    }
}
