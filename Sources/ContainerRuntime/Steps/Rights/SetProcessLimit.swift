internal import LinuxSystem
internal import SystemPackage

/// RLIMIT_NPROC of `process.rlimits`, or the runtime's own.
struct SetProcessLimit: ContainerStep {
    static let manual = StepManual(
        "set the process limit",
        what: "Sets RLIMIT_NPROC to the config's value, or back to the runtime's own.",
        why: "Only for exec, after the copy in the container is made.",
        calls: "prlimit64")

    let limit: Configuration.Limit?

    var summary: String {
        limit.map { SetLimit(limit: $0).summary } ?? "put the limit of processes back"
    }
    var needs: Provisions { limit == nil ? [.processLimit] : [] }

    func apply(_ context: ContainerContext) throws(Failure) {
        if let limit { return try SetLimit(limit: limit).apply(context) }
        let found = try context.processLimit.given(.processLimit)
        try attempt(
            "prlimit", "RLIMIT_NPROC",
            try CurrentProcess.setLimit(.processes, soft: found.soft, hard: found.hard))
    }
}
