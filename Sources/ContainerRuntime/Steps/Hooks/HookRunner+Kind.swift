internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension HookRunner {
    /// Runs hooks until one fails.
    static func run(
        _ hooks: [Configuration.Hook], kind: Configuration.Hooks.Kind, state: JSONOutput,
        environment: [String], directory: String? = nil
    ) throws(Failure) {
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

    /// The status of the container meanwhile.
    var status: ContainerStatus {
        switch self {
        case .prestart, .createRuntime, .createContainer: .creating
        case .startContainer: .created
        case .poststart: .running
        case .poststop: .stopped
        }
    }
}
