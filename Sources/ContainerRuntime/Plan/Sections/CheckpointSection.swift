internal import JSON
public import LinuxSystem
internal import OCISpec

/// `checkpoint`
enum CheckpointSection: PlanSection {
    static let title = "The checkpoint of a container"
    static let about = """
        `checkpoint` writes a running container into images, from which `restore` makes it anew. \
        CRIU does the work, and waits while the runtime process does its part of it. A container \
        that does not go on is removed by the steps of `delete`.
        """

    static var kinds: [any Step.Type] {
        [
            RequireCheckpointable.self, MakeImages.self, DumpProcesses.self, SaveUppers.self,
            FinishDump.self,
        ]
    }
}

extension StoredContainer {
    /// The steps of `checkpoint`.
    public func checkpointPlan(_ options: CheckpointOptions) throws(Failure) -> Plan {
        // The step that requires a running container says what is wrong with another one.
        let state = try? self.state()
        let document = try? config(process: nil)
        let spec = try? self.spec()
        if spec?.vfs?.landlock?.value == true || spec?.vfs?.network != nil {
            throw Failure(
                "the container \"\(id.text)\" has vfs.landlock or vfs.network, which criu does not save;"
                    + " leave these out")
        }
        var planned = PlannedSteps()
        let origin = Origin.builtIn("checkpoint")
        planned.add(ListenForSignals(), origin)
        planned.add(LockContainer(container: self), origin)
        planned.add(RequireCheckpointable(), origin)
        let images = Origin.argument("--image-path")
        planned.add(MakeImages(options: options), images)
        planned.add(DumpProcesses(options: options), images)
        if !options.isPreDump, let spec, try hasThrowawayUpper(spec) {
            planned.add(SaveUppers(), origin)
        }
        planned.add(FinishDump(isPreDump: options.isPreDump), images)
        if !options.leavesRunning && !options.isPreDump {
            let hooks = state?.hooks.contains(.poststop) == true ? try hooks().poststop : []
            RemovalSection.planRemoval(
                refusesRunning: false, requiresState: false, hooks, state, &planned)
        }
        return try Plan(planned, endingFrom: planned.steps.count, document)
    }

    private func hasThrowawayUpper(_ spec: Spec) throws(Failure) -> Bool {
        if spec.vfs?.copyOnWrite.contains(where: { $0.upper == nil }) == true {
            throw Failure(
                "the container \"\(id.text)\" has a copy-on-write tree whose changes are thrown"
                    + " away, which checkpoint does not save; give it an \"upper\"")
        }
        switch spec.vfs?.overlay {
        case .object(let overlay):
            if overlay.upper != nil { return false }
            if overlay.layers?.isEmpty == true {
                throw Failure(
                    "the container \"\(id.text)\" has a root without layers, which checkpoint does"
                        + " not save; give it an \"upper\" or a layer")
            }
            return true
        case .enabled(let enabled): return enabled.value
        case nil: return false
        }
    }
}
