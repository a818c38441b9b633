public import LinuxSystem

extension Plan {
    /// As a plan of many jobs: its init process waits for one before it does what depends on it. Each
    /// takes the program's place.
    public func awaitingJobs() throws(Failure) -> Plan {
        var plan = self
        var user: Configuration.User?
        var directory: Int?
        for (index, planned) in steps.enumerated() {
            guard case .container(let step) = planned.kind else { continue }
            if let step = step as? ChangeUser { user = step.user }
            if step is EnterWorkingDirectory { directory = index }
        }
        guard let user, let directory else { throw Failure("the plan has no place for a job") }
        // What no job has a say in is done before there is one.
        let early = plan.steps[directory...].filter(\.isTheSameForJobs)
        plan.steps.removeAll(where: \.isTheSameForJobs)
        plan.steps.insert(
            contentsOf: early
                + [PlannedStep(kind: .container(AwaitJob(user: user)), origin: .argument("args"))],
            at: directory)
        plan.awaitsJob = true
        return plan
    }
}

extension PlannedStep {
    /// Whether it may stand before the job: what a job writes, and where it runs, is nothing to it.
    /// The places of Landlock's rules are mounts, which no file takes the place of; the bounding set is
    /// what executing a program looks at.
    fileprivate var isTheSameForJobs: Bool {
        guard case .container(let step) = kind else { return false }
        return step is PrepareLandlock || step is DropBoundingSet
    }
}

extension Plan {
    /// As a job without a network of its own: it shares that of the runtime process, which has left
    /// the host's.
    public func sharingNetwork() -> Plan {
        var plan = self
        plan.namespaces.remove(.network)
        plan.steps = plan.steps.compactMap { planned in
            switch planned.kind {
            case .container(let step) where step is BringLoopbackUp: return nil
            case .spawning(let step):
                guard let made = step as? CreateNamespaces else { return planned }
                return PlannedStep(
                    kind: .spawning(
                        CreateNamespaces(namespaces: made.namespaces.subtracting(.network))),
                    origin: planned.origin)
            default: return planned
            }
        }
        return plan
    }
}

extension Environment {
    /// - Returns: The first entries without those that have the name of one of the second.
    static func merged(_ first: [String], with second: [String]) -> [String] {
        if second.isEmpty { return first }
        let names = Set(second.map { $0.prefix { $0 != "=" } })
        return first.filter { !names.contains($0.prefix { $0 != "=" }) } + second
    }
}
