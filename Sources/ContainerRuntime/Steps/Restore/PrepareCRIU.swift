internal import LinuxSystem
internal import SystemPackage

/// The worker of CRIU that will restore the processes.
struct PrepareCRIU: RuntimeStep {
    static let manual = StepManual(
        "prepare criu",
        what: """
            Looks for criu in the PATH, and opens the namespaces that the container joins.
            """,
        why: "Before there is a process that becomes criu and inherits them.",
        calls: "newfstatat, openat")

    /// Kinds that CRIU inherits, with their files.
    let namespaces: [(ExternalNamespace, path: String)]

    let summary = "look for criu, and open the namespaces that it joins"
    var needs: Provisions { [.container, .images] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        let images = try context.images.given(.images)
        let program = try CRIUProgram.find()
        var handover = CRIUHandover(
            program: program, images: images, stage: container.store.directory(container.id))
        for (kind, path) in namespaces {
            let file = try attempt(
                "open", on: path,
                advice: {
                    $0 == .noSuchFileOrDirectory
                        ? "a namespace that the config names must exist" : nil
                }, try HostPath.open(path, .readOnly))
            handover.namespaces.append((kind.key, HeldDescriptor(file)))
        }
        context.handover.criu = handover
    }
}
