internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The limits of `exec`
struct MakeInnerGroup: RuntimeStep {
    static let manual = StepManual(
        "make a control group for the process",
        what: """
            Makes a cgroup below the container's, where the kernel counts processor time, for the new \
            process and all that it makes.
            """,
        why: """
            Only with a limit of exec's own, where the container has a cgroup and --cgroup names none. \
            A process whose parent has ended is a child of the container's first process: by its cgroup \
            it is counted, and ends with the process of exec.
            """,
        calls: "mkdir")

    /// Of the container.
    let controllers: String
    let path: String

    var summary: String { "make a control group for the process below \(path)" }
    let undoing = "removed when the process has ended, with all processes in it"

    private static let prefix = "vfs-run-exec-"

    func apply(_ context: RuntimeContext) throws(Failure) {
        let name = try make(MakeInnerGroup.prefix + String(CurrentProcess.pid))
        context.watch(own: ["\(path)/\(name)"], shared: [])
        context.innerGroup = ControlGroup.Inner(
            controllers: controllers.split(separator: ",").map(String.init), path: name)
        context.handover.controlGroup = ControlGroup(
            paths: [(controllers, "\(path)/\(name)")], parents: [])
    }

    /// The number of this process may be taken by one in another pid namespace.
    private func make(_ name: String) throws(Failure) -> String {
        for count in 1...100 {
            let name = count == 1 ? name : "\(name)-\(count)"
            do throws(Errno) {
                try HostPath.makeDirectory("\(path)/\(name)", mode: 0o755)
                return name
            } catch .fileExists {
                continue
            } catch {
                throw Failure("mkdir", "\"\(path)/\(name)\"", error)
            }
        }
        throw Failure("no name for a control group is free in \(path.inQuotes)")
    }
}

extension Configuration.JoinedContainer {
    /// The container's cgroup where processor time is counted; nil where exec makes none below it.
    var countingGroup: (controllers: String, path: String)? {
        if !innerControlGroups.isEmpty { return nil }
        return controlGroup.first { $0.controllers.split(separator: ",").contains("cpuacct") }
            ?? controlGroup.first { $0.controllers.isEmpty }
    }
}
