internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of `vfs.limits`, and of the options in its place.
extension Checks {
    func runLimits() {
        guard let limits = spec.vfs?.limits, request.invocation.joining == nil else { return }
        for (name, text) in limits.texts where RunLimits.value(name, text.value) == nil {
            diagnostics.error(
                "\"\(text.value)\" is not \(RunLimits.form(name))", at: text.offset)
        }
        guard case .named(let names) = limits.bestEffort else { return }
        for name in names where RunLimits.Name(rawValue: name.value) == nil {
            let known = RunLimits.Name.allCases.map(\.rawValue)
            diagnostics.error(
                "\"\(name.value)\" is not a limit; allowed are \(known.joined(separator: ", "))",
                at: name.offset)
        }
    }

    /// Each limit holds. One that may hold less well is a warning.
    func heldLimits() {
        for name in RunLimits.Name.allCases {
            guard let means = decision.means[name], let limit = request.limits[name] else {
                continue
            }
            let place = RunLimits.words(name, limit.value)
            switch means {
            case .refused(let reason):
                tell(limit.origin, name, "cannot hold: \(reason)\(advice(name))", isError: true)
            case .dropped(let reason):
                tell(limit.origin, name, "of \(place) does not hold: \(reason)", isError: false)
            case .reduced(let reason):
                tell(
                    limit.origin, name,
                    "of \(place) holds for each process by itself (RLIMIT_AS): \(reason)",
                    isError: false)
            case .timer, .pipe, .upper, .group, .rlimit, .proc: break
            }
        }
        guard let memory = request.limits.memory, memory.value < UInt64(Checks.leastMemory) else {
            return
        }
        tell(
            memory.origin, .memory,
            "of \(memory.value) bytes is less than the \(Checks.leastMemory) that the start of a"
                + " container takes; write 256m", isError: true)
    }

    private func advice(_ name: RunLimits.Name) -> String {
        let isOfGroup = [.memory, .processes].contains(name) && request.invocation.joining == nil
        guard isOfGroup, request.invocation.controlGroups != .disabled else { return "" }
        return
            "; give vfs-run cgroups (for a user: \"systemd-run --user --scope -p Delegate=yes\"),"
            + " or name \"\(name.rawValue)\" in vfs.limits.bestEffort (--best-effort)"
    }

    private func tell(_ origin: Origin, _ name: RunLimits.Name, _ words: String, isError: Bool) {
        let offset: Int
        var sentence = words
        switch origin {
        case .config(let place): offset = place
        case .argument(let option):
            offset = diagnostics.document.root.offset
            sentence = "\(option): the limit " + words
        case .builtIn: offset = diagnostics.document.root.offset
        }
        if case .config = origin { sentence = "the limit \(name.rawValue) " + words }
        if isError {
            diagnostics.error(sentence, at: offset)
        } else {
            diagnostics.warning(sentence, at: offset)
        }
    }
}
