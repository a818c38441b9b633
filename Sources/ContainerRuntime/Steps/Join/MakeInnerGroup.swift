internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The limits of `exec`
struct MakeInnerGroup: RuntimeStep {
    static let manual = StepManual(
        "make a control group for the process",
        what: """
            Makes a cgroup below the container's, where the kernel counts processor time, for the new \
            process and all that it makes; in version 1 also where it counts memory and processes.
            """,
        why: """
            Only with a limit of exec's own, where the container has a cgroup and --cgroup names none. \
            A process whose parent has ended is a child of the container's first process: by its cgroup \
            it is counted, and ends with the process of exec. In version 2 the kernel counts no memory \
            below a cgroup that has processes.
            """,
        calls: "mkdir")

    /// Of the container.
    let groups: [(controllers: String, path: String)]

    var summary: String {
        "make a control group for the process below \(groups.map(\.path).joined(separator: ", "))"
    }
    let undoing = "removed when the process has ended, with all processes in it"

    private static let prefix = "vfs-run-exec-"

    func apply(_ context: RuntimeContext) throws(Failure) {
        let name = try make(MakeInnerGroup.prefix + String(CurrentProcess.pid))
        let made = groups.map { ($0.controllers, "\($0.path)/\(name)") }
        context.watch(own: made.map(\.1), shared: [])
        context.innerGroup = ControlGroup.Inner(
            controllers: groups.flatMap { $0.controllers.split(separator: ",").map(String.init) },
            path: name)
        context.handover.controlGroup = ControlGroup(paths: made, parents: [])
    }

    /// The number of this process may be taken by one in another pid namespace.
    private func make(_ name: String) throws(Failure) -> String {
        for count in 1...100 {
            let name = count == 1 ? name : "\(name)-\(count)"
            var made: [String] = []
            var failure: Failure?
            for (_, path) in groups where failure == nil {
                do throws(Errno) {
                    try HostPath.makeDirectory("\(path)/\(name)", mode: 0o755)
                    made.append("\(path)/\(name)")
                } catch {
                    failure = Failure("mkdir", "\"\(path)/\(name)\"", error)
                }
            }
            guard let failure else { return name }
            // They are empty. The error is what counts.
            for path in made { try? HostPath.removeDirectory(path) }
            if failure.errno != .fileExists { throw failure }
        }
        throw Failure("no name for a control group is free in \(groups[0].path.inQuotes)")
    }
}

extension Configuration.JoinedContainer {
    /// The container's cgroups below which exec makes one for its process: where processor time is
    /// counted, the first one, and in version 1 where memory and processes are. None where exec makes
    /// none.
    var countingGroups: [(controllers: String, path: String)] {
        if !innerControlGroups.isEmpty { return [] }
        func counting(_ controller: String) -> (controllers: String, path: String)? {
            controlGroup.first { $0.controllers.split(separator: ",").contains(controller[...]) }
        }
        guard
            let times = counting("cpuacct")
                ?? controlGroup.first(where: { $0.controllers.isEmpty })
        else { return [] }
        var groups = [times]
        for other in [counting("memory"), counting("pids")].compactMap({ $0 })
        where !groups.contains(where: { $0 == other }) {
            groups.append(other)
        }
        return groups
    }
}
