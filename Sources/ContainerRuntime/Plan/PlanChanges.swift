internal import LinuxSystem

/// What each step changes, by the plan, of what can be seen in the container: mounts, ids, capabilities,
/// limits. What it has changed the kernel tells (`ProcessView`).
struct PlanChanges {
    struct Change: Equatable, Sendable {
        let what: String
        let before: String
        let after: String
    }

    /// By the numbers of `allSteps`.
    private(set) var steps: [[Change]] = []
    private var known: [String: String] = [:]
    private var mounts: [String: String] = [:]

    init(_ plan: Plan) {
        for planned in plan.allSteps {
            var found: [Change] = []
            let step = planned.step
            if let path = step.mountpoint, planned.side == .container {
                let before = mounts[path] ?? "no mount"
                mounts[path] = step.summary
                found.append(Change(what: "mount on \(path)", before: before, after: step.summary))
            }
            for (what, first, after) in PlanChanges.values(step) {
                found.append(Change(what: what, before: known[what] ?? first, after: after))
                known[what] = after
            }
            steps.append(found)
        }
    }

    /// - Returns: What, its value before all steps, its new value.
    private static func values(_ step: any Step) -> [(String, String, String)] {
        switch step {
        case let step as CreateNamespaces:
            return step.namespaces.names.map { ("\($0) namespace", "the host's", "a new one") }
        case is SeparateControlGroups: return [("cgroup namespace", "the host's", "a new one")]
        case is EnterControlGroup, is MoveIntoControlGroup:
            return [("control group", "the caller's", "the container's")]
        case let step as WriteMappings:
            return [
                ("users", "the overflow id", words(step.mappings.users)),
                ("groups", "the overflow id", words(step.mappings.groups)),
            ]
        case let step as BecomeNamespaceRoot:
            return [("user and group", "the caller's", "\(step.user ?? 0):\(step.group ?? 0)")]
        case let step as ChangeUser:
            let groups = step.user.additionalGroupIDs.map(String.init).joined(separator: ",")
            return [
                ("user and group", "the caller's", "\(step.user.userID):\(step.user.groupID)"),
                ("further groups", "the caller's", groups.isEmpty ? "none" : groups),
            ]
        case is PivotRoot: return [("the root", "the host's tree", "the container's tree")]
        case let step as SetHostName: return [("host name", "the host's", step.name)]
        case let step as SetLimit:
            return [
                (
                    step.limit.resource.name, "the caller's",
                    "\(words(step.limit.soft)), at most \(words(step.limit.hard))"
                )
            ]
        case let step as DropBoundingSet:
            return [("bounding set", "the caller's", words(step.sets.bounding))]
        case let step as SetCapabilities:
            return [
                ("permitted capabilities", "the caller's", words(step.sets.permitted)),
                ("effective capabilities", "the caller's", words(step.sets.effective)),
                ("ambient capabilities", "the caller's", words(step.sets.ambient)),
            ]
        case is ForbidNewPrivileges: return [("no_new_privs", "0", "1")]
        case is InstallSeccomp: return [("seccomp filter", "none", "the config's")]
        default: return []
        }
    }

    private static let mostMissing = 8

    static func words(_ set: CapabilitySet) -> String {
        if set.isEmpty { return "none" }
        let missing = CapabilitySet.names.filter { !set.names.contains($0) }
        if missing.isEmpty { return "all \(set.count)" }
        return missing.count <= mostMissing
            ? "all but \(missing.joined(separator: " "))" : set.names.joined(separator: " ")
    }

    private static func words(_ limit: UInt64) -> String {
        limit == .max ? "unlimited" : String(limit)
    }

    static func words(_ map: IDMap) -> String {
        if map.ranges.isEmpty { return "none are mapped" }
        return map.ranges.map { "\($0.count) from \($0.inside) are the host's from \($0.outside)" }
            .joined(separator: ", ")
    }
}
