internal import LinuxSystem
internal import OCISpec

/// The rights of the program: limits, descriptors, ids, capabilities, the filter.
enum RightsSection: PlanSection {
    static let title = "The rights of the program"
    static let about = """
        From here on the process can do less with every step. Their order is that of the rights that \
        each of them takes.
        """

    static var kinds: [any Step.Type] {
        [
            SetLimit.self, LiftProcessLimit.self, LeaveCallersLimits.self, DropBoundingSet.self,
            CloseDescriptors.self, ForbidNewPrivileges.self, InstallSeccomp.self,
            PassListener.self, ChangeUser.self, SetCapabilities.self, FindProgram.self,
            VerifyRights.self, TakeTerminal.self, EnterProcesses.self, WatchProcess.self,
            SetProcessLimit.self, PrepareLandlock.self, ConfineByLandlock.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let process = facts.configuration.process
        if let landlock = facts.configuration.landlock {
            plan.add(
                PrepareLandlock(
                    rules: LandlockRule.all(facts.configuration), version: landlock.value,
                    scopes: facts.landlockScopes,
                    waits: facts.configuration.container?.waits == true), landlock.origin)
        }
        planLimits(facts, &plan)
        plan.add(DropBoundingSet(sets: process.capabilities.value), process.capabilities.origin)
        plan.add(CloseDescriptors(preserved: facts.passedDescriptors))
        if process.noNewPrivileges.value {
            plan.add(ForbidNewPrivileges(), process.noNewPrivileges.origin)
        } else {
            // Without no_new_privs installing a filter takes CAP_SYS_ADMIN, which the next steps
            // take away: the profile then has to allow the calls of those steps.
            planFilter(facts, &plan)
        }
        plan.add(
            ChangeUser(
                user: process.user.value, mayLackGroups: facts.configuration.isRestricted),
            process.user.origin)
        plan.add(SetCapabilities(sets: process.capabilities.value), process.capabilities.origin)
        if facts.isNamed {
            // Before others are told of the container: the error is the creation's.
            let search = ProgramSearch(
                arguments: process.arguments.value, environment: process.environment)
            plan.add(FindProgram(search: search), process.arguments.origin)
        }
        plan.add(verification(facts))
        if facts.entersProcesses { planEntry(facts, &plan) }
        if facts.liftsProcessLimit {
            let limit = countedLimit(facts)
            plan.add(SetProcessLimit(limit: limit?.value), limit?.origin ?? .standard)
        }
    }

    /// Behind the last step that takes more rights than the program has.
    private static func planEntry(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let process = facts.configuration.process
        if process.terminal != nil { plan.add(TakeTerminal()) }
        // No process in there gets hold of rules that are not in force yet.
        planLandlock(facts, &plan)
        plan.add(EnterProcesses())
        if !facts.isNamed { plan.add(WatchProcess()) }
        if let scheduling = process.scheduling, !scheduling.value.isInherited {
            plan.add(
                SetSchedulingFromHost(scheduling: SetScheduling(attributes: scheduling.value)),
                scheduling.origin)
        }
        plan.add(StartSession(hasTerminal: process.terminal != nil, hasOwnKeyring: false))
    }

    /// Behind what opens files: they would count against RLIMIT_NOFILE. Before the user changes: who
    /// may raise no limit, and whose processes RLIMIT_NPROC counts from that moment on.
    private static func planLimits(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let limits = facts.configuration.process.limits
        for limit in limits where !facts.isTight(limit) {
            if facts.liftsProcessLimit && limit.value.resource == .processes { continue }
            plan.add(SetLimit(limit: limit.value), limit.origin)
        }
        if facts.liftsProcessLimit {
            plan.add(LiftProcessLimit(), countedLimit(facts)?.origin ?? .standard)
        }
        plan.add(
            LeaveCallersLimits(setsFiles: limits.contains { $0.value.resource == .openFiles }))
    }

    private static func countedLimit(_ facts: PlanFacts) -> Setting<Configuration.Limit>? {
        facts.configuration.process.limits.first { $0.value.resource == .processes }
    }

    private static func verification(_ facts: PlanFacts) -> VerifyRights {
        let process = facts.configuration.process
        let tight = process.limits.filter(facts.isTight).map(\.value.resource)
        return VerifyRights(
            sets: process.capabilities.value, user: process.user.value,
            mayLackGroups: facts.configuration.isRestricted,
            forbidsNewPrivileges: process.noNewPrivileges.value,
            limits: process.limits.map(\.value).filter { limit in
                !(facts.liftsProcessLimit && limit.resource == .processes)
                    && !tight.contains(limit.resource)
            },
            isFiltered: facts.configuration.seccomp != nil && !process.noNewPrivileges.value)
    }

    static func planLandlock(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        guard let landlock = facts.configuration.landlock else { return }
        plan.add(ConfineByLandlock(), landlock.origin)
    }

    static func planFilter(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        guard let filter = configuration.seccomp else { return }
        plan.add(InstallSeccomp(measures: configuration.measuresStart), filter.origin)
        guard case .read(let profile) = filter.value, profile.notifies,
            let path = profile.listenerPath
        else { return }
        plan.add(
            PassListener(
                path: PathText.absolute(path.value, from: configuration.bundle),
                metadata: profile.listenerMetadata?.value, state: facts.state,
                status: configuration.joined == nil ? .creating : .running),
            filter.origin)
    }
}
