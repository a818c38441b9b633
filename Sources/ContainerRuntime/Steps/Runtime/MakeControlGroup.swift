internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.cgroupsPath`, `linux.resources`
struct MakeControlGroup: RuntimeStep {
    static let manual = StepManual(
        "make the control group",
        what: """
            Makes a directory in every hierarchy that takes part and writes the limits into its \
            files. Version 2 filters devices by a BPF program.
            """,
        why: """
            Last before the init process, with every limit in place: no process ever runs without \
            them, and little can fail while there is something to remove.
            """,
        calls: "mkdir, write, bpf")

    let group: Configuration.ControlGroup
    /// Whether the container has no pid namespace of its own.
    var sharesProcesses = false

    var summary: String {
        let place = group.path.map { " " + $0 } ?? group.id.map { " of \($0)" } ?? ""
        let limits = group.resources.summary
        if let unit = group.unit {
            return "make \(unit.unit.name) in \(unit.slice) through systemd"
                + (limits.isEmpty ? "" : ": \(limits)")
        }
        return "make the control group\(place)" + (limits.isEmpty ? "" : ": \(limits)")
            + (group.isOptional ? ", if this user may" : "")
    }
    /// Of the names that are made up, before the number of the runtime process.
    static let prefix = "vfs-run-"
    let undoing = "removed when the container has ended, by the watchdog if the runtime is killed"
    var gives: Provisions { [.controlGroup] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("make_group")
        for limit in group.resources.filesOfLimits {
            let (old, new) = (limit.version1, limit.version2)
            commands.run(
                "limit", old.map { .value($0.file) } ?? "-", .value(old?.value ?? ""),
                new.map { .value($0.file) } ?? "-", .value(new?.value ?? ""))
        }
        let devices = request("").deviceFiles
        if devices.isEmpty { return }
        commands.note(
            "Devices: version 1 has files for them. Version 2 has a BPF program; no command makes one."
        )
        for (file, value) in devices { commands.run("device_rule", .value(file), .value(value)) }
    }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let made: ControlGroup
        do throws(Failure) {
            if let prepared = context.prepared, group.unit == nil, prepared.hierarchies == nil {
                prepared.hierarchies = try Hierarchies.read()
            }
            if let id = group.id {
                context.handover.controlGroupRequest = request(id)
                made = try ControlGroup.make(request(id)) {
                    (places) throws(Failure) in
                    let missing = MakeControlGroup.watch(places, context)
                    try announce(places, missing, context)
                }
            } else {
                made = try makeNamed(context)
            }
        } catch {
            // The directories that were made are removed again; others at this path are not this start's.
            try attempt(
                "write", "the container's groups",
                try context.container?.announce(context.state?.groups ?? ResourceGroups()))
            if group.isOptional {
                if sharesProcesses {
                    context.warn(
                        "Creating a rootless container with no cgroup and no private pid namespace is"
                            + " discouraged: not all of its processes may be found to be killed; add"
                            + " {\"type\": \"pid\"} to linux.namespaces")
                }
                if !group.resources.summary.isEmpty {
                    context.warn(
                        "linux.resources is ignored: \(error.message); \"systemd-run --user --scope -p"
                            + " Delegate=yes\" makes a control group that belongs to this user")
                }
                return
            }
            throw Failure(
                refusal(error) + error.message
                    + (group.policesDevices || group.unit != nil
                        ? ""
                        : "; limits require a control group that belongs to this user: remove"
                            + " linux.resources, or run vfs-run by \"systemd-run --user --scope -p"
                            + " Delegate=yes\""))
        }
        context.handover.controlGroup = made
        for reason in made.passedOver {
            context.warn("the container has no control group in one hierarchy: \(reason)")
        }
        context.watch(own: made.paths.map { $0.path }, shared: made.parents.reversed())
        guard let container = context.container else { return }
        // Recorded at once: a command that removes the remains of this start has to find it.
        context.state?.groups.cgroup = made.paths
        context.state?.groups.parents = made.parents
        context.state?.groups.unit = made.unit
        if let state = context.state {
            try attempt("write", "the state of \(container.id.text)", try container.write(state))
        }
    }

    /// What runc says there of an ordinary user's.
    private func refusal(_ error: Failure) -> String {
        guard !group.policesDevices, error.errno == .permissionDenied else { return "" }
        if group.path?.isEmpty == false { return "unable to apply cgroup configuration: " }
        guard let controller = group.resources.controllers.first else { return "" }
        return "cannot set \(controller) limit: container could not join or create cgroup: "
    }

    /// The directories that are missing are this process's own, should it be killed while it makes them.
    ///
    /// - Returns: These directories, the deepest first.
    private static func watch(
        _ places: [(controllers: String, path: String)], _ context: RuntimeContext
    ) -> [String] {
        let missing = ControlGroup.missing(places)
        context.watch(own: [], shared: missing)
        return missing
    }

    /// Written down before it is made: the runtime process may be killed in between. It stays, for
    /// who finds the state damaged.
    private func announce(
        _ places: [(controllers: String, path: String)], _ missing: [String],
        _ context: RuntimeContext
    ) throws(Failure) {
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
            throw Failure("write", "the groups of \(container.id.text)", error)
        }
    }

    /// Under a name of the runtime process's own. Its number may be taken by one in another pid
    /// namespace.
    private func makeNamed(_ context: RuntimeContext) throws(Failure) -> ControlGroup {
        let name = MakeControlGroup.prefix + String(CurrentProcess.pid)
        if group.unit != nil { return try ControlGroup.make(request(name)) }
        for count in 2...100 {
            var request = request(count == 2 ? name : "\(name)-\(count)")
            request.hierarchies = context.prepared?.hierarchies
            do throws(Failure) {
                context.handover.controlGroupRequest = request
                return try ControlGroup.make(request) { (places) throws(Failure) in
                    _ = MakeControlGroup.watch(places, context)
                }
            } catch  where error.kind == .taken && group.path == nil {
                continue
            }
        }
        throw Failure("no name for a control group is free: \(name) is taken")
    }

    private func request(_ name: String) -> ControlGroupRequest {
        var request = ControlGroupRequest(
            path: group.path, name: name, resources: group.resources, isManaged: group.isManaged,
            unit: group.unit)
        request.policesDevices = group.policesDevices
        request.isCounted = group.isCounted
        return request
    }
}
