internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The control group of a container that this process has made, and that has ended.
struct RemoveControlGroup: RuntimeStep {
    static let manual = StepManual(
        "remove the control group",
        what: """
            Kills the processes in it, unless they have gone with their pid namespace, and removes \
            its directories and those above it that the start has made.
            """,
        why: """
            First of what is removed: until it is gone the container's processes may be on their way \
            out.
            """,
        calls: "openat, write, unlinkat, ppoll")

    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool

    let summary = "remove the control group"
    let undoing = "nothing: it is gone"

    func shell(_ commands: inout ShellCommands) {
        commands.run("remove_group")
    }

    /// The container has done what it was to do, or has failed, and its outcome is what the caller
    /// wants to know: what cannot be removed is a warning.
    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let group = context.handover.controlGroup else { return }
        var failures: [String] = []
        func collect(_ what: String, _ body: @autoclosure () throws(Failure) -> Void) {
            do throws(Failure) {
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
            let added = try added(to: group, context)
            if !added.isEmpty {
                collect(
                    "the control group cannot be removed", try ControlGroup(paths: added).remove())
            }
        } catch {
            failures.append(error.message)
        }
        // What was noted of it means nothing any more.
        context.handover.controlGroup = nil
        context.state?.groups.cgroup = []
        if failures.isEmpty { return }
        throw Failure(failures.joined(separator: "; "), .warning)
    }

    /// Directories that update has added meanwhile.
    private func added(
        to group: ControlGroup, _ context: RuntimeContext
    ) throws(Failure) -> [(controllers: String, path: String)] {
        guard let container = context.container, let groups = try container.state()?.groups else {
            return []
        }
        try groups.requireGenuine(container.id)
        return groups.cgroup.filter { one in !group.paths.contains { $0.path == one.path } }
    }
}
