internal import LinuxSystem
internal import SystemPackage

/// `hooks.createContainer`, `hooks.startContainer`
struct RunContainerHooks: ContainerStep {
    static let manual = StepManual(
        "run hooks in the container",
        what: """
            The init process runs the programs that the config names, with the container's state \
            on their standard input. The first one that fails ends the container.
            """,
        why: """
            Each kind at its place in the container's life, as the specification defines it. The \
            paths of createContainer hooks are the host's, so they run before the pivot; \
            startContainer hooks run directly before the program.
            """,
        calls: "fchdir, clone3, execve, wait4")

    let hooks: HookList
    /// For a hook without an environment of its own.
    let environment: [String]

    var summary: String { hooks.summary }
    let undoing = HookList.undoing
    var needs: Provisions { hooks.kind == .createContainer ? [.root] : [] }

    func apply(_ context: ContainerContext) throws(Failure) {
        if hooks.kind == .createContainer, let root = context.root {
            // Its path is the host's, its working directory the container's root.
            try attempt(
                "fchdir", "to the root", try CurrentProcess.changeDirectory(root.directory.borrowed)
            )
        }
        try hooks.run(
            pid: CurrentProcess.pid,
            environment: hooks.kind == .startContainer ? context.environment(environment) : [],
            directory: nil)
    }
}
