internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of `process`.
extension Checks {
    // MARK: The process
    func arguments() {
        guard let process = spec.process else {
            if diagnostics.hasError(in: "process") { return }
            return diagnostics.error(
                "is required and missing", at: diagnostics.document.root.offset, member: "process")
        }
        guard let args = process.args, let first = args.first else {
            if diagnostics.hasError(in: "process.args") { return }
            return diagnostics.error(
                "needs at least one entry, the program", at: process.offset, member: "args")
        }
        if first.value.isEmpty {
            diagnostics.error("is empty; name a program", at: first.offset)
        }
    }

    func environment() {
        refuseWrongVariables(spec.process?.env ?? [])
    }

    func refuseWrongVariables(_ env: [Located<String>]) {
        for entry in env where entry.value.hasPrefix("=") || !entry.value.contains("=") {
            diagnostics.error(
                "\"\(entry.value)\" is not of the form NAME=value", at: entry.offset)
        }
    }

    func workingDirectory() {
        guard let cwd = spec.process?.cwd else { return }
        if !cwd.value.hasPrefix("/") {
            diagnostics.error("\"\(cwd.value)\" is not an absolute path", at: cwd.offset)
        }
    }

    func user() {
        guard let user = spec.process?.user else { return }
        for id in [user.uid, user.gid].compactMap({ $0 }) + user.additionalGids
        where id.value == .max {
            diagnostics.error(
                "\(id.value) is not an id; the maximum is \(UInt32.max - 1)",
                at: id.offset)
        }
        if let umask = user.umask, umask.value > 0o777 {
            diagnostics.error(
                "\(umask.value) is not a umask; the maximum is 511 (octal 0777)", at: umask.offset)
        }
    }

    func resourceLimits() {
        var seen: [String] = []
        let known = ResourceLimit.allCases.map(\.name)
        for limit in spec.process?.rlimits ?? [] {
            let name = limit.type.value
            if !known.contains(name) {
                let near = nearestName(to: name, in: known).map { "did you mean \"\($0)\"? " } ?? ""
                diagnostics.error(
                    "\"\(name)\" is not a limit; \(near)allowed are "
                        + known.joined(separator: ", "), at: limit.type.offset)
            }
            if seen.contains(name) {
                diagnostics.error("a second limit \"\(name)\"; remove one", at: limit.type.offset)
            }
            seen.append(name)
            if limit.soft.value > limit.hard.value {
                diagnostics.error(
                    "\(limit.soft.value) exceeds the hard limit, \(limit.hard.value)",
                    at: limit.soft.offset)
            }
        }
    }

    func outOfMemoryScore() {
        guard let score = spec.process?.oomScoreAdj else { return }
        if !(-1000...1000).contains(score.value) {
            diagnostics.error("\(score.value) is not from -1000 to 1000", at: score.offset)
        }
    }

    func scheduling() {
        if let policy = spec.process?.scheduler?.policy, policy.value == .isochronous {
            diagnostics.error("Linux has no SCHED_ISO; use another policy", at: policy.offset)
        }
        for flag in spec.process?.scheduler?.flags ?? []
        where flag.value == .clampMinimum || flag.value == .clampMaximum {
            diagnostics.error(
                "\(flag.value.rawValue) needs a value, for which the specification has no field;"
                    + " remove it", at: flag.offset)
        }
        deadlineScheduling()
        if let nice = spec.process?.scheduler?.nice, !(-20...19).contains(nice.value) {
            diagnostics.error("\(nice.value) is not from -20 to 19", at: nice.offset)
        }
        if let priority = spec.process?.scheduler?.priority, !(0...99).contains(priority.value) {
            diagnostics.error("\(priority.value) is not from 0 to 99", at: priority.offset)
        }
        if let level = spec.process?.ioPriority?.priority, !(0...7).contains(level.value) {
            diagnostics.error("\(level.value) is not from 0 to 7", at: level.offset)
        }
    }

    /// `vfs.init`
    func initProcess() {
        guard let wanted = spec.vfs?.hasInit, wanted.value, request.invocation.joining == nil else {
            return
        }
        let isFirst =
            spec.linux?.namespaces.contains {
                $0.type.value == .pid && $0.path?.value.isEmpty != false
            } ?? false
        if !isFirst {
            diagnostics.error(
                "needs a pid namespace of its own: add {\"type\": \"pid\"} without a path to"
                    + " linux.namespaces; elsewhere the init would not be process 1",
                at: wanted.offset)
        }
        if let scheduler = spec.process?.scheduler, !SchedulingAttributes(scheduler).isInherited {
            diagnostics.error(
                "the init would have this policy and the program would not: a copy of a process does"
                    + " not inherit it; remove vfs.init, or the policy", at: scheduler.offset)
        }
    }

    func personality() {
        for flag in spec.linux?.personality?.flags ?? [] {
            diagnostics.error(
                "unknown flag \"\(flag.value)\"; the specification defines no flags",
                at: flag.offset)
        }
    }

    func memoryPolicy() {
        guard let policy = spec.linux?.memoryPolicy else { return }
        typealias Policy = Spec.Linux.MemoryPolicy
        for flag in policy.flags where Policy.Flag(rawValue: flag.value) == nil {
            let known = Policy.Flag.allCases.map(\.rawValue).joined(separator: ", ")
            diagnostics.error(
                "invalid memory policy flag \"\(flag.value)\"; allowed are \(known)",
                at: flag.offset)
        }
        var count = 0
        if let nodes = policy.nodes, !nodes.value.isEmpty {
            do throws(Failure) {
                count = try NumberList.parse(nodes.value).count
            } catch {
                return diagnostics.error(
                    "invalid memory policy nodes: \(error.message)", at: nodes.offset)
            }
        }
        switch Policy.Mode(rawValue: policy.mode.value) {
        case nil:
            let known = Policy.Mode.allCases.map(\.rawValue).joined(separator: ", ")
            diagnostics.error(
                "invalid memory policy mode \"\(policy.mode.value)\"; allowed are \(known)",
                at: policy.mode.offset)
        case .default, .local:
            if count > 0 {
                diagnostics.error(
                    "memory policy mode requires 0 nodes but got \(count); remove \"nodes\"",
                    at: policy.mode.offset)
            }
        case .bind, .interleave, .preferredMany, .weightedInterleave:
            if count == 0 {
                diagnostics.error(
                    "memory policy mode requires at least one node but got 0; add \"nodes\"",
                    at: policy.mode.offset)
            }
        case .preferred: break
        }
    }

    func affinity() {
        let affinity = spec.process?.execCPUAffinity
        for list in [affinity?.initial, affinity?.final].compactMap({ $0 })
        where !list.value.isEmpty {
            do throws(Failure) {
                _ = try NumberList.parse(list.value)
            } catch {
                diagnostics.error("bad CPU affinity: \(error.message)", at: list.offset)
            }
        }
    }

    func capabilities() {
        guard let sets = spec.process?.capabilities else { return }
        var unknown: [String] = []
        for name in sets.bounding + sets.effective + sets.permitted + sets.inheritable
            + sets.ambient
        where CapabilitySet(name: name.value) == nil && !unknown.contains(name.value) {
            // The specification requires a warning: the container runs with fewer capabilities.
            let near = nearestName(to: name.value, in: CapabilitySet.names)
            diagnostics.warning(
                "\"\(name.value)\" is not a capability of this kernel; it is ignored"
                    + (near.map { "; did you mean \"\($0)\"?" } ?? ""), at: name.offset)
            unknown.append(name.value)
        }
        let permitted = sets.permitted.map(\.value)
        for name in sets.effective where !permitted.contains(name.value) {
            diagnostics.warning(
                "\(name.value) is effective but not permitted, which the kernel does not grant; it"
                    + " is ignored; add it to \"permitted\"", at: name.offset)
        }
        // As in runc: engines request such sets, and the container runs with fewer capabilities.
        let inheritable = sets.inheritable.map(\.value)
        let withheld = sets.ambient.filter {
            !permitted.contains($0.value) || !inheritable.contains($0.value)
        }
        if let first = withheld.first {
            diagnostics.warning(
                "can't raise ambient capability \(few(withheld)): not both permitted and inheritable;"
                    + " ignored", at: first.offset)
        }
        // In a user namespace of its own the init process has all capabilities.
        if request.has(.user) { return }
        // Without any capability another error comes first; a rootless container has a user
        // namespace.
        if host.ownCapabilities.isEmpty || host.effectiveUser != 0 { return }
        let lacking = sets.permitted.filter { name in
            CapabilitySet(name: name.value).map { !$0.isSubset(of: host.ownCapabilities) } ?? false
        }
        if let first = lacking.first {
            diagnostics.warning(
                "\(few(lacking)): vfs-run lacks this capability and cannot grant it; the container runs"
                    + " without it", at: first.offset)
        }
    }

    /// The first three names: engines list all.
    private func few(_ names: [Located<String>]) -> String {
        let first = names.prefix(3).map(\.value).joined(separator: ", ")
        return names.count > 3 ? "\(first) and \(names.count - 3) more" : first
    }

    func terminal() {
        guard let terminal = spec.process?.terminal, terminal.value else { return }
        // What a bind mount has there is seen when the terminal is opened.
        let hasTerminals = request.mounts.contains { reading in
            let place = PathText.cleaned(reading.mount.destination)
            if reading.isRemount { return false }
            return place == "/dev/pts" && (reading.type == "devpts" || reading.bind != nil)
                || place == "/dev" && reading.bind == true
        }
        if !hasTerminals {
            diagnostics.error(
                "a terminal needs a mount of type \"devpts\" on /dev/pts; add it",
                at: terminal.offset)
        }
    }

    /// A terminal needs a process at its master side.
    func terminalSocket() {
        let invocation = request.invocation
        let joining = invocation.joining
        if joining == nil && invocation.container == nil { return }
        let socket = joining?.container.consoleSocket ?? invocation.container?.consoleSocket
        let terminal = spec.process?.terminal
        let isWanted = joining?.hasTerminal ?? terminal?.value ?? false
        let offset = terminal?.offset ?? diagnostics.document.root.offset
        if isWanted && invocation.leavesTerminal && socket == nil {
            diagnostics.error(
                "cannot allocate tty if the runtime will detach without setting console socket;"
                    + " give --console-socket", at: offset)
        }
        if socket != nil && !(isWanted && invocation.leavesTerminal) {
            diagnostics.error(
                "cannot use console socket if the runtime will not detach or allocate tty; remove"
                    + " --console-socket", at: offset)
        }
    }
}
