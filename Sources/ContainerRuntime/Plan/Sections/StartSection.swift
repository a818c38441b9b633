internal import JSON
public import LinuxSystem

/// `start`
enum StartSection: PlanSection {
    static let title = "The start of a created container"
    static let about = """
        `start` tells the init process, which waits, to execute the program. The startContainer hooks \
        run in the init process before that. Where one of these or a poststart hook fails, the \
        container is removed by the steps that follow.
        """

    static var kinds: [any Step.Type] {
        [
            LockContainer.self, RequireCreated.self, BindReadiness.self, ExecuteProgram.self,
            RunStartedHooks.self, AwaitReadiness.self,
        ]
    }
}

extension StoredContainer {
    /// The steps of `start`.
    ///
    /// - Parameter notifySocket: The manager that waits until the program is ready.
    public func startPlan(notifySocket: String?) throws(Failure) -> Plan {
        // The step that requires a created container says what is wrong with another one.
        let state = try? self.state()
        var document: JSONDocument?
        var hooks = Configuration.Hooks()
        if state?.hooks.isEmpty == false {
            document = try config(process: nil)
            hooks = try self.hooks()
        }
        var planned = PlannedSteps()
        let origin = Origin.builtIn("start")
        planned.add(LockContainer(container: self), origin)
        planned.add(RequireCreated(), origin)
        let host = notifySocket.map { Origin.argument("NOTIFY_SOCKET=\($0)") }
        if let notifySocket, let host { planned.add(BindReadiness(host: notifySocket), host) }
        planned.add(ExecuteProgram(), origin)
        // They, and other commands, may have the container.
        planned.add(UnlockContainer(), origin)
        if let first = hooks.poststart.first, let state {
            let list = HookList(kind: .poststart, hooks: hooks.poststart, state: state)
            planned.add(RunStartedHooks(hooks: list), first.origin)
        }
        if let notifySocket, let host { planned.add(AwaitReadiness(host: notifySocket), host) }
        let end = planned.steps.count
        planned.add(LockRemains(), .builtIn("a hook that fails"))
        RemovalSection.planRemoval(
            refusesRunning: false, requiresState: false, hooks.poststop, state, &planned)
        return try Plan(planned, endingFrom: end, document)
    }
}

extension Plan {
    /// Of a command on a container that exists.
    init(
        _ planned: PlannedSteps, endingFrom end: Int, _ document: JSONDocument?
    ) throws(Failure) {
        if let lack = planned.lack { throw Failure(lack) }
        steps = Array(planned.steps[..<end])
        ending = Array(planned.steps[end...])
        namesSteps = false
        file = ContainerStore.configName
        if let document {
            self.document = document
            return
        }
        do throws(JSONSyntaxError) {
            self.document = try JSONDocument(Array("{}".utf8))
        } catch {
            throw Failure(error.message)
        }
    }
}
