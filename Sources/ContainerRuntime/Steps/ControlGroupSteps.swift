internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The container's cgroup with its limits, before there is a process in it: none ever runs
/// without them.
struct MakeControlGroup: Step {
    let group: Configuration.ControlGroup
    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool

    let side = Side.runtime
    var summary: String {
        let place = group.path.map { " " + $0 } ?? group.id.map { " of \($0)" } ?? ""
        let limits = group.resources.summary
        if let unit = group.unit {
            return "have systemd make \(unit.unit.name) in \(unit.slice)"
                + (limits.isEmpty ? "" : ": \(limits)")
        }
        return "make the control group\(place)" + (limits.isEmpty ? "" : ": \(limits)")
            + (group.isOptional ? ", if this user may" : "")
    }
    /// Of the names that are made up, before the number of the runtime process.
    private static let prefix = "vfs-run-"
    let undoing = "removed when the container has ended, by the watchdog if the runtime is killed"

    func apply(_ context: StartContext) throws(StepError) {
        let made: ControlGroup
        do throws(ControlGroupError) {
            if let id = group.id {
                context.controlGroupRequest = request(id)
                made = try ControlGroup.make(request(id)) {
                    (places) throws(ControlGroupError) in
                    let missing = MakeControlGroup.watch(places, context)
                    try announce(places, missing, context)
                }
            } else {
                made = try makeNamed(context)
                // It can wait, and then costs nothing.
                if group.path == nil && group.unit == nil {
                    context.afterStart.append { made.removeLeftovers(MakeControlGroup.prefix) }
                }
            }
        } catch {
            // What was made of it is gone again; what else lies there is somebody else's.
            try stepping("write", "the container's groups") { () throws(Errno) in
                try context.container?.announce(context.state?.groups ?? ResourceGroups())
            }
            if group.isOptional {
                if !group.resources.summary.isEmpty {
                    context.warn(
                        "the limits of linux.resources do not hold: \(error.sentence); they take a"
                            + " control group that belongs to this user, as \"systemd-run --user"
                            + " --scope -p Delegate=yes\" makes one")
                }
                return
            }
            throw StepError(
                error.sentence
                    + (group.policesDevices || group.unit != nil
                        ? ""
                        : "; limits take a control group that belongs to this user: remove"
                            + " linux.resources, or run it by \"systemd-run --user --scope -p"
                            + " Delegate=yes\""))
        }
        context.controlGroup = made
        context.watch(own: made.paths.map { $0.path }, shared: made.parents.reversed())
        context.undoing.append(
            UsedControlGroup(
                group: made, container: context.container, ownsProcesses: ownsProcesses))
        guard let container = context.container else { return }
        // Written down at once: whoever deletes the remains of this start has to find it.
        context.state?.groups.cgroup = made.paths
        context.state?.groups.parents = made.parents
        context.state?.groups.unit = made.unit
        try stepping("write", "the state of \(container.id.text)") { () throws(Errno) in
            if let state = context.state { try container.write(state) }
        }
    }

    /// What is not there yet is this process's own, should it be killed while it makes it.
    ///
    /// - Returns: These directories, the deepest first.
    private static func watch(
        _ places: [(controllers: String, path: String)], _ context: StartContext
    ) -> [String] {
        let missing = ControlGroup.missing(places)
        context.watch(own: [], shared: missing)
        return missing
    }

    /// Written down before it is made: the runtime process may be killed in between. It stays, for
    /// who finds the state damaged.
    private func announce(
        _ places: [(controllers: String, path: String)], _ missing: [String],
        _ context: StartContext
    ) throws(ControlGroupError) {
        guard let container = context.container else { return }
        var groups = context.state?.groups ?? ResourceGroups()
        groups.cgroup = places
        groups.unit = group.unit?.unit
        // Those above that this start makes too, the deepest last.
        let own = places.map { $0.path }
        groups.parents = missing.reversed().filter { !own.contains($0) }
        do {
            try container.announce(groups)
        } catch {
            throw ControlGroupError(
                SystemCallError("write", "the groups of \(container.id.text)", error))
        }
    }

    /// Under a name of the runtime process's own. Its number may be taken by one in another pid
    /// namespace.
    private func makeNamed(_ context: StartContext) throws(ControlGroupError) -> ControlGroup {
        let name = MakeControlGroup.prefix + String(CurrentProcess.pid)
        if group.unit != nil { return try ControlGroup.make(request(name)) }
        for count in 2...100 {
            let request = request(count == 2 ? name : "\(name)-\(count)")
            do throws(ControlGroupError) {
                context.controlGroupRequest = request
                return try ControlGroup.make(request) { (places) throws(ControlGroupError) in
                    _ = MakeControlGroup.watch(places, context)
                }
            } catch  where error.isTaken && group.path == nil {
                continue
            }
        }
        throw ControlGroupError("no name for a control group is free: \(name) is taken")
    }

    private func request(_ name: String) -> ControlGroupRequest {
        var request = ControlGroupRequest(
            path: group.path, name: name, resources: group.resources, isManaged: group.isManaged,
            unit: group.unit)
        request.policesDevices = group.policesDevices
        return request
    }
}

/// The cgroup of a container that has come to its end.
private struct UsedControlGroup: Undoing {
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
        error.kind = .warning
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

/// Where the config mounts its cgroup for writing the container may divide it among its processes
/// (cgroups(7), "Cgroup delegation"). In version 1 that is not safe. In version 2 the limits
/// themselves stay the host's: their files are root's, and root of the host in the container is
/// held off by the kernel only where it was told to.
struct GiveControlGroup: Step {
    /// Of the host.
    let user: UInt32

    let side = Side.runtime
    var summary: String { "give the control group to the user \(user)" }
    let undoing = "goes with the control group"

    func apply(_ context: StartContext) throws(StepError) {
        guard let group = context.controlGroup, context.controlGroups?.isUnified == true,
            user != 0 || group.isGuarded
        else { return }
        context.givesControlGroup = true
        if user == 0 { return }
        do throws(SystemCallError) {
            try group.give(to: user)
        } catch {
            throw error
        }
    }
}

/// The init process enters the cgroup before all else that it does: what it makes is counted, and
/// a namespace of cgroups that is made or joined afterwards has its root there.
struct EnterControlGroup: Step {
    /// Of the runtime where the files are not the init process's to write.
    var side = Side.container
    /// Whether there may be none.
    var isOptional = false

    var summary: String {
        side == .container ? "enter the control group" : "move it into the control group"
    }
    let undoing = "goes with the process"

    func apply(_ context: StartContext) throws(StepError) {
        guard let group = context.controlGroup else {
            if isOptional { return }
            throw StepError("the plan has not made a control group")
        }
        // 0 is whoever writes it: of the runtime's own process nobody is to limit.
        let process = side == .container ? 0 : try context.madeProcess().pid
        do throws(ControlGroupError) {
            do throws(ControlGroupError) {
                try group.enter(process: process, isInVersion2: context.startsInControlGroup)
            } catch {
                guard try context.restoreControlGroup(), let anew = context.controlGroup else {
                    throw error
                }
                try anew.enter(process: process, isInVersion2: context.startsInControlGroup)
            }
        } catch {
            throw error
        }
    }
}

/// systemd makes a scope around a process: the one that it was is not needed any more.
struct LetAnchorGo: Step {
    let resources: Resources

    let side = Side.runtime
    let summary = "end the process that the scope was made around"

    func apply(_ context: StartContext) throws(StepError) {
        do throws(ControlGroupError) {
            try context.controlGroup?.letAnchorGo(resources)
        } catch {
            throw error
        }
    }
}

/// A namespace of cgroups has its root where the process that makes it is. `clone3` would take
/// that of the runtime process, even with `CLONE_INTO_CGROUP`.
struct SeparateControlGroups: Step {
    let side = Side.container
    let summary = "make a namespace of control groups, with its root here"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("unshare", "CLONE_NEWCGROUP") { () throws(Errno) in
            try CurrentProcess.leaveNamespaces(.cgroup)
        }
    }
}

/// Without a namespace of cgroups a fresh mount would show those of the whole host: the
/// container's own are cloned instead, while the host's tree is there.
struct OpenControlGroups: Step {
    let side = Side.container
    let summary = "open the container's control groups for binding"

    func apply(_ context: StartContext) throws(StepError) {
        guard let layout = context.controlGroups else {
            throw StepError("the plan has not looked for control groups")
        }
        for (name, path) in layout.places(of: context.controlGroup) {
            let tree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
                BindSource(try DetachedMount.clone(path, recursive: false), isDirectory: true)
            }
            context.controlGroupTrees.append((name, tree))
        }
    }
}
