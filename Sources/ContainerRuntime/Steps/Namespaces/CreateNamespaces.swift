internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[]`, by one `clone3`.
struct CreateNamespaces: SpawningStep {
    static let manual = StepManual(
        "make the init process",
        what: """
            One call makes the init process with every new namespace: mounts, processes, network, \
            host name, IPC. The first process of a pid namespace is its number 1, and all others \
            end with it.
            """,
        why: """
            After all that the init process inherits, and last of the steps that can fail while \
            there is only the runtime process. Nothing is unshared that the config does not ask \
            for.
            """,
        calls: "clone3")

    let namespaces: NamespaceSet

    var summary: String {
        let names = namespaces.names
        return names.isEmpty
            ? "make the init process with no new namespace"
            : "make the init process in new namespaces: \(names.joined(separator: ", "))"
    }
    let undoing = "the namespaces go with their last process"

    func spawn(
        _ context: RuntimeContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(Failure) -> ChildProcess {
        func spawn(_ controlGroup: FileDescriptor?) throws(Errno) -> ChildProcess {
            context.handover.startsInControlGroup = controlGroup != nil
            return try ChildProcess.spawn(
                namespaces, controlGroup: controlGroup, body: body)
        }
        let group = context.handover.controlGroup
        let names = namespaces.names.joined(separator: " ")
        do throws(Errno) {
            return try spawn(group?.version2Descriptor)
        } catch .permissionDenied where group?.version2Descriptor != nil {
            // From another part of the tree only systemd moves a process into a unit of its own; it
            // does so when the process is there.
            if group?.unit != nil {
                return try attempt("clone3", names, advice: CreateNamespaces.advice, try spawn(nil))
            }
            throw Failure(
                "clone3", names, .permissionDenied,
                advice:
                    "the cgroup above both, this process's own and the container's, has to belong to"
                    + " this user")
        } catch .operationNotSupportedByDevice where group?.version2Descriptor != nil {
            // Others have removed it as an empty one.
            try CreateNamespaces.restoreControlGroup(context)
            return try attempt(
                "clone3", names, advice: CreateNamespaces.advice,
                try spawn(context.handover.controlGroup?.version2Descriptor))
        } catch {
            throw Failure("clone3", names, error, advice: CreateNamespaces.advice(error))
        }
    }

    private static func restoreControlGroup(_ context: RuntimeContext) throws(Failure) {
        if try context.handover.restoreControlGroup() { return }
        throw Failure("the control group was removed before there was a process in it")
    }
}

extension CreateNamespaces {
    static func advice(_ error: Errno) -> String? {
        switch error {
        case .notPermitted, .permissionDenied, .noSpace: NamespaceGate.advice(error)
        case .invalidArgument:
            "the kernel lacks one of these namespaces; \"vfs-run doctor\" tells which"
        default: nil
        }
    }
}
