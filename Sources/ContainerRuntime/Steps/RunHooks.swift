internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The hooks of one kind, one after the other; the first that fails ends the container.
struct RunHooks: Step {
    let kind: Configuration.Hooks.Kind
    let hooks: [Configuration.Hook]
    /// Without a process yet.
    let state: ContainerState
    /// What one without an environment of its own gets.
    let environment: [String]

    var side: Side { kind.isInContainer ? .container : .runtime }
    var summary: String {
        let names = hooks.map(\.path).joined(separator: ", ")
        return "run the \(kind.rawValue) hook\(hooks.count == 1 ? "" : "s") \(names)"
    }
    let undoing = "what a hook has done, a poststop hook undoes"

    func apply(_ context: StartContext) throws(StepError) {
        if kind == .createContainer, let root = context.root {
            // Its path is the host's, its working directory the container's root.
            try stepping("fchdir", "to the root") { () throws(Errno) in
                try CurrentProcess.changeDirectory(root.directory.borrowed)
            }
        }
        let pid = kind.isInContainer ? CurrentProcess.pid : context.initProcess?.pid
        try HookRunner.run(
            hooks, kind: kind, state: state.document(kind.status, pid: pid),
            environment: kind == .startContainer ? context.environment(environment) : environment,
            directory: kind.isInContainer ? nil : state.bundle)
    }
}

extension HookRunner {
    /// Runs hooks until one fails.
    static func run(
        _ hooks: [Configuration.Hook], kind: Configuration.Hooks.Kind, state: JSONOutput,
        environment: [String], directory: String? = nil
    ) throws(StepError) {
        let text = Array(state.compactText.utf8)
        for (index, hook) in hooks.enumerated() {
            try run(
                hook, kind: kind, index: index, state: text, environment: environment,
                directory: directory)
        }
    }
}

extension Configuration.Hooks.Kind {
    /// Whether it runs in the container's namespaces.
    var isInContainer: Bool { self == .createContainer || self == .startContainer }

    /// What the container is doing meanwhile.
    var status: ContainerStatus {
        switch self {
        case .prestart, .createRuntime, .createContainer: .creating
        case .startContainer: .created
        case .poststart: .running
        case .poststop: .stopped
        }
    }
}
