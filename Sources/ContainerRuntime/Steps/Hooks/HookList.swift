internal import LinuxSystem

/// The hooks of one kind, which run one after the other; the first that fails ends the container.
struct HookList {
    let kind: Configuration.Hooks.Kind
    let hooks: [Configuration.Hook]
    /// Without a process yet.
    let state: ContainerState

    static let undoing = "a poststop hook undoes it"

    var summary: String {
        let names = hooks.map(\.path).joined(separator: ", ")
        return "run the \(kind.rawValue) hook\(hooks.count == 1 ? "" : "s") \(names)"
    }

    /// - Parameter environment: What a hook without an environment of its own gets.
    func run(pid: Int32?, environment: [String], directory: String?) throws(Failure) {
        try HookRunner.run(
            hooks, kind: kind, state: state.document(kind.status, pid: pid),
            environment: environment, directory: directory)
    }
}
