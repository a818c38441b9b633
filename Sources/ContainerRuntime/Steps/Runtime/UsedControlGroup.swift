internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The cgroup of a container that has come to its end.
struct UsedControlGroup: Undoing {
    let group: ControlGroup
    let container: StoredContainer?
    let ownsProcesses: Bool

    /// What the container was to do is done or has failed, and its outcome is what the caller wants
    /// to know: what cannot be taken away is a warning.
    func undo() throws(Failure) {
        var failures: [String] = []
        func collect(_ what: String, _ body: @autoclosure () throws(Failure) -> Void) {
            do {
                try body()
            } catch {
                failures.append("\(what): \(error)")
            }
        }
        // In a pid namespace of its own every process has gone with the first.
        if !ownsProcesses {
            collect(
                "processes of the container cannot be killed", try group.signalAll(Signal.kill))
        }
        collect("the control group cannot be removed", try group.remove())
        do throws(Failure) {
            let added = try added
            if !added.isEmpty {
                collect(
                    "the control group cannot be removed", try ControlGroup(paths: added).remove())
            }
        } catch {
            failures.append(error.message)
        }
        if failures.isEmpty { return }
        throw Failure(failures.joined(separator: "; "), .warning)
    }

    /// What update has added meanwhile.
    private var added: [(controllers: String, path: String)] {
        get throws(Failure) {
            guard let container, let groups = try container.state()?.groups else { return [] }
            try groups.requireGenuine(container.id)
            return groups.cgroup.filter { one in
                !group.paths.contains { $0.path == one.path }
            }
        }
    }
}
