public import LinuxSystem
internal import SystemPackage

/// Runs hooks: in the runtime process, or in the init process inside the container.
public enum HookRunner {
    /// Runs `hook` to its end.
    ///
    /// - Parameters:
    ///   - index: Its place among the hooks of its kind, counted from 0 as runc does: scripts
    ///     look for `error running createRuntime hook #1:`.
    ///   - state: The container's state as JSON, which the hook gets on its standard input.
    ///   - fallback: What a hook without `env` gets: nothing, but for startContainer the process's
    ///     environment, as runc has it.
    ///   - directory: Where it runs; nil for where this process does.
    /// - Throws: The sentence for a hook that failed, could not be started or took too long.
    public static func run(
        _ hook: Configuration.Hook, kind: Configuration.Hooks.Kind, index: Int, state: [UInt8],
        environment fallback: [String] = [], directory: String? = nil
    ) throws(Failure) {
        let program = Program(
            path: hook.path, arguments: hook.arguments,
            environment: hook.environment.isEmpty ? fallback : hook.environment,
            directory: directory)
        // More seconds than the clock can count are no limit.
        let limit = hook.timeout.flatMap { seconds -> UInt64? in
            let (nanoseconds, overflow) = UInt64(clamping: seconds)
                .multipliedReportingOverflow(by: 1_000_000_000)
            return overflow ? nil : nanoseconds
        }
        let start = "\(failure(of: kind))\(index): "
        let outcome: Program.Outcome
        do throws(Errno) {
            outcome = try program.run(input: state, within: limit)
        } catch {
            throw Failure(start + reason(error, hook.path))
        }
        guard let failure = failure(outcome, hook) else { return }
        throw Failure(start + failure + ", stderr: " + said(outcome.errorOutput))
    }

    /// What the sentence begins with, up to the hook's number.
    static func failure(of kind: Configuration.Hooks.Kind) -> String {
        "error running \(kind.rawValue) hook #"
    }

    /// Nil for a hook that went well.
    private static func failure(
        _ outcome: Program.Outcome, _ hook: Configuration.Hook
    ) -> String? {
        switch outcome.ending {
        case .exited(0): nil
        case .exited(let code): "exit status \(code)"
        case .signaled(let signal): "killed by signal \(signal) (\(Signal.words(signal)))"
        case nil: "it took longer than its timeout, \(hook.timeout ?? 0) s, and was killed"
        }
    }

    private static func reason(_ error: Errno, _ path: String) -> String {
        let advice =
            switch error {
            case .noSuchFileOrDirectory: "; it, or the interpreter that runs it, is not there"
            case .permissionDenied: "; is it executable, and its file system not noexec?"
            case .execFormatError: "; it is neither a program for this machine nor a script with #!"
            default: ""
            }
        return Failure("execve", path.inQuotes, error).description + advice
    }

    /// On one line, and nothing in it that a terminal would obey: a hook in the container says
    /// what the container likes.
    static func said(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self).split { character in
            character.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }.joined(separator: " ")
    }
}
