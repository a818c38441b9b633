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
    func undo() throws(RuntimeError) {
        var failures: [String] = []
        func attempt(_ what: String, _ body: () throws(SystemCallError) -> Void) {
            do throws(SystemCallError) {
                try body()
            } catch {
                failures.append("\(what): \(error)")
            }
        }
        // In a pid namespace of its own every process has gone with the first.
        if !ownsProcesses {
            attempt("processes of the container cannot be killed") {
                () throws(SystemCallError) in try group.signalAll(Signal.kill)
            }
        }
        attempt("the control group cannot be removed") { () throws(SystemCallError) in
            try group.remove()
        }
        do throws(RuntimeError) {
            let added = try added
            if !added.isEmpty {
                attempt("the control group cannot be removed") { () throws(SystemCallError) in
                    try ControlGroup(paths: added).remove()
                }
            }
        } catch {
            failures.append(error.message)
        }
        if failures.isEmpty { return }
        var error = RuntimeError(failures.joined(separator: "; "))
        error.isWarning = true
        throw error
    }

    /// What update has added meanwhile.
    private var added: [(controllers: String, path: String)] {
        get throws(RuntimeError) {
            guard let container, let groups = try container.state()?.groups else { return [] }
            try groups.requireGenuine(container.id)
            return groups.cgroup.filter { one in
                !group.paths.contains { $0.path == one.path }
            }
        }
    }
}
