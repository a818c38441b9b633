internal import LinuxSystem

/// The attributes that the program inherits from the process that executes it.
enum ProcessSection: PlanSection {
    static let title = "The process"
    static let about = """
        How the kernel treats the process, its session, its streams and its working directory.
        """

    static var kinds: [any Step.Type] {
        [
            SetOutOfMemoryScore.self, SetOutOfMemoryScoreFromHost.self, SetPersonality.self,
            SetMemoryPolicy.self, SetScheduling.self, SetSchedulingFromHost.self,
            SetInputOutputPriority.self,
            LabelKeyring.self, StartSession.self, StartKeyring.self, GiveStreams.self,
            ReopenNullStreams.self,
            TakeStreams.self, AwaitJob.self, EnterWorkingDirectory.self, ProtectRoot.self,
            FindHome.self,
            SetAppArmorProfile.self, LabelProgram.self, PrepareGate.self, PrepareJoinedGate.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        planTreatment(facts, &plan)
        planSession(facts, &plan)
        planDirectories(facts, &plan)
        planLabels(facts, &plan)
        guard facts.configuration.container?.waits == true else { return }
        if facts.joinsProcesses {
            plan.add(PrepareJoinedGate())
        } else {
            plan.add(PrepareGate())
        }
    }

    /// How the kernel treats it among other processes.
    private static func planTreatment(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let process = configuration.process
        // For exec, root's alone: other users cannot write it from inside, and it confines nothing.
        let mayScore = configuration.joined == nil || configuration.privilege == .full
        if let value = process.oomScoreAdjustment, mayScore {
            let score = OutOfMemoryScore(
                value: value.value, isRequired: configuration.privilege != .none)
            if configuration.opensOnHost {
                plan.add(SetOutOfMemoryScoreFromHost(score: score), value.origin)
            } else {
                plan.add(SetOutOfMemoryScore(score: score), value.origin)
            }
        }
        if let domain = configuration.personality {
            plan.add(SetPersonality(domain: domain.value), domain.origin)
        }
        if let policy = configuration.memoryPolicy {
            plan.add(SetMemoryPolicy(policy: policy.value), policy.origin)
        }
        if let scheduling = process.scheduling,
            !facts.entersProcesses || scheduling.value.isInherited
        {
            plan.add(SetScheduling(attributes: scheduling.value), scheduling.origin)
        }
        if let priority = process.inputOutputPriority {
            plan.add(SetInputOutputPriority(priority: priority.value), priority.origin)
        }
    }

    private static func planSession(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let process = facts.configuration.process
        let hasOwnKeyring = facts.configuration.container?.hasOwnKeyring ?? true
        if let label = process.label, hasOwnKeyring {
            plan.add(LabelKeyring(label: label.value), label.origin)
        }
        if facts.entersProcesses {
            if hasOwnKeyring { plan.add(StartKeyring()) }
        } else {
            plan.add(
                StartSession(
                    hasTerminal: process.terminal != nil, hasOwnKeyring: hasOwnKeyring,
                    isControlled: !facts.hasInit))
        }
        if facts.isNamed {
            plan.add(GiveStreams(userID: process.user.value.userID), process.user.origin)
        }
        if facts.configuration.container != nil, process.terminal == nil,
            !facts.configuration.joinsMounts
        {
            plan.add(ReopenNullStreams())
        }
        if facts.relaysStreams || facts.countsOutput { plan.add(TakeStreams()) }
    }

    private static func planDirectories(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let process = configuration.process
        let isNew = configuration.joined == nil
        plan.add(
            EnterWorkingDirectory(
                path: process.workingDirectory.value,
                isMade: isNew && !configuration.joinsMounts
                    && process.makesWorkingDirectory,
                advisesToMake: !process.makesWorkingDirectory), process.workingDirectory.origin)
        let readOnly = configuration.root.isReadOnly
        if readOnly.value && isNew { plan.add(ProtectRoot(), readOnly.origin) }
        if !Environment.hasHome(process.environment) {
            plan.add(FindHome(userID: process.user.value.userID))
        }
    }

    private static func planLabels(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let process = facts.configuration.process
        if let profile = process.appArmorProfile {
            plan.add(SetAppArmorProfile(profile: profile.value), profile.origin)
        }
        if let label = process.label {
            plan.add(LabelProgram(label: label.value), label.origin)
        }
    }
}
