internal import JSON
public import LinuxSystem

/// What follows when the container has ended, and when a start has failed; and `delete`.
enum RemovalSection: PlanSection {
    static let title = "When the container has ended"
    static let about = """
        The runtime process removes what its steps have made on the host. After a start that has \
        failed it takes the same steps: one whose object was not made does nothing. `delete` takes \
        those on what the container's state names.
        """

    static var kinds: [any Step.Type] {
        [
            EndNetworkHelper.self, EndOrphans.self, RemoveControlGroup.self,
            RemoveResctrlGroup.self,
            RemoveScratchUpper.self, LockRemains.self, EndCreation.self, FindRemains.self,
            StopContainer.self, RemoveRecordedGroups.self, RemoveState.self,
            RunPoststopHooks.self, EndWatchdog.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        if configuration.joined != nil {
            JoinSection.planRoom(facts, &plan)
            if !facts.innerGroups.isEmpty { plan.add(RemoveControlGroup(ownsProcesses: false)) }
            return
        }
        if facts.startsNetworkHelper {
            plan.add(EndNetworkHelper(), configuration.network?.origin ?? .standard)
        }
        if facts.adoptsOrphans && !facts.newNamespaces.contains(.pid)
            && configuration.container?.isKept != true
        {
            plan.add(EndOrphans())
        }
        if configuration.controlGroup != nil {
            // A restore that has failed may leave processes that are in no namespace of their own yet.
            let isRestored = configuration.container?.restoring != nil
            plan.add(
                RemoveControlGroup(
                    ownsProcesses: facts.newNamespaces.contains(.pid) && !isRestored))
        }
        if configuration.resourceDirector != nil { plan.add(RemoveResctrlGroup()) }
        if case .overlay(let overlay) = configuration.root.source, overlay.isDiscarded,
            case .kept(let directory) = overlay.upper
        {
            plan.add(RemoveScratchUpper(directory: directory.value), directory.origin)
        }
        if configuration.container != nil {
            plan.add(LockRemains())
            plan.add(RemoveRecordedGroups())
            plan.add(RemoveState())
        }
        planHooks(configuration.hooks.poststop, facts.state, &plan)
        if !facts.isNamed || configuration.container?.restoring != nil {
            plan.add(EndWatchdog())
        }
    }

    /// What is left of a container that other commands have made.
    static func planRemoval(
        refusesRunning: Bool, requiresState: Bool, _ hooks: [Configuration.Hook],
        _ state: ContainerState?, _ plan: inout PlannedSteps
    ) {
        plan.add(StopContainer(refusesRunning: refusesRunning))
        plan.add(RemoveRecordedGroups())
        plan.add(RemoveState(requiresState: requiresState))
        if let state { planHooks(hooks, state, &plan) }
    }

    private static func planHooks(
        _ hooks: [Configuration.Hook], _ state: @autoclosure () -> ContainerState,
        _ plan: inout PlannedSteps
    ) {
        guard let first = hooks.first else { return }
        plan.add(
            RunPoststopHooks(hooks: HookList(kind: .poststop, hooks: hooks, state: state())),
            first.origin)
    }
}

extension StoredContainer {
    /// The steps of `delete`.
    ///
    /// - Parameter force: Whatever it is doing: it is killed first.
    public func deletePlan(force: Bool) throws(Failure) -> Plan {
        let state = try? self.state()
        var poststop: [Configuration.Hook] = []
        var document: JSONDocument?
        if state?.hooks.contains(.poststop) == true {
            do throws(Failure) {
                document = try config(process: nil)
                poststop = try hooks().poststop
            } catch {
                if !force { throw error }
            }
        }
        var planned = PlannedSteps()
        let origin = Origin.builtIn(force ? "delete --force" : "delete")
        if force { planned.add(EndCreation(container: self), origin) }
        planned.add(LockContainer(container: self), origin)
        planned.add(FindRemains(takesDamaged: force), origin)
        RemovalSection.planRemoval(
            refusesRunning: !force, requiresState: !force, poststop, state, &planned)
        return try Plan(planned, endingFrom: planned.steps.count, document)
    }
}
