internal import JSON
public import LinuxSystem
internal import SystemPackage

/// The command `step`: a prompt before each step, and what it can tell. All of it but what has changed
/// is known when the plan is made; a start without it has none.
struct StepPrompt: Sendable {
    /// The lines of the plan around here, the next step marked.
    let lines: [String]
    let why: String
    let config: String
    /// What the step before changes by the plan.
    let planned: [PlanChanges.Change]
    /// Whether the terminal can be cleared.
    let redraws: Bool

    /// An answer at the terminal.
    enum Word: Equatable {
        case next, all, end, shell
        case tell(String)

        /// - Parameter line: Nil at the terminal's end.
        init(_ line: String?, hasPrompt: Bool) {
            guard let line else {
                self = .end
                return
            }
            let word = String(line.split(separator: " ").first ?? "")
            if !hasPrompt {
                self = word.hasPrefix("q") ? .end : word.hasPrefix("c") ? .all : .next
                return
            }
            switch word {
            case "", "n", "next": self = .next
            case "c", "continue": self = .all
            case "q", "quit": self = .end
            case "s", "shell": self = .shell
            default: self = .tell(word)
            }
        }
    }

    var question: String { "next, continue, shell, changed, why, config, quit: " }

    var screen: String {
        // Home, and all behind it erased.
        (redraws ? "\u{1b}[H\u{1b}[J" : "") + lines.map { $0 + "\n" }.joined() + question
    }

    /// What the step before has changed, as the kernel tells; by the plan at the first stop, before
    /// which no one has looked.
    func changed(_ context: RuntimeContext, before number: Int) -> String {
        let view = ProcessView(of: context.initProcess?.pid ?? CurrentProcess.pid)
        let last = context.lastView
        context.lastView = view.map { (number, $0) }
        guard let view, let last, last.number == number - 1 else {
            return "  by the plan:\n" + StepPrompt.words(planned)
        }
        return StepPrompt.words(view.changes(since: last.view) + planned.filter(\.isHidden))
    }

    private static func words(_ changes: [PlanChanges.Change]) -> String {
        changes.isEmpty
            ? "  nothing that mounts, ids, capabilities, namespaces or limits show\n"
            : changes.map { "  \($0.what): \($0.before) -> \($0.after)\n".printableLines }.joined()
    }

    func answer(to word: String, changed: String) -> String {
        switch word {
        case "why", "w": why
        case "config": config
        case "changed": changed
        default: "\"\(word.printable(upTo: 40))\" is none of the words below\n"
        }
    }

    /// A shell in the namespaces of the init process, as they are now, with the rights of the caller.
    ///
    /// It is the host's: of the image, which those rights would be open to, nothing is executed.
    static func shell(in process: MadeProcess?, at terminal: FileDescriptor) throws(Failure) {
        func tell(_ words: String) throws(Failure) {
            try attempt("write", on: "/dev/tty", try terminal.write(all: Array(words.utf8)))
        }
        guard let process else {
            return try tell("there is no init process yet, and so no namespaces\n")
        }
        guard let shell = HostShell.find() else {
            return try tell(
                "there is no shell that runs without files of the container: install a static busybox"
                    + " on the host (Debian: busybox-static)\n")
        }
        let terminalName = CurrentProcess.environment("TERM") ?? "dumb"
        do {
            _ = try shell.run(
                beside: process.pidfd, in: namespaces(of: process.pid), at: terminal,
                environment: [
                    // No name is looked for in the working directory.
                    "PATH=/dev/null/none", "HISTFILE=", "TERM=\(terminalName)",
                    "PS1=in \(process.pid) # ", "HOME=/",
                ])
        } catch {
            try tell("a shell in process \(process.pid): \(error.words)\n")
        }
    }

    /// Those that differ from this process's.
    private static func namespaces(of pid: Int32) -> NamespaceSet {
        var found: NamespaceSet = []
        for kind in NamespaceKind.all {
            let name = try? HostPath.linkTarget("/proc/\(pid)/ns/\(kind.file)")
            let here = try? HostPath.linkTarget("/proc/self/ns/\(kind.file)")
            if name != here { found.insert(kind.flag) }
        }
        return found
    }
}

extension Plan {
    /// With a prompt before each step from the one that is named, or the second, on.
    ///
    /// - Parameter redraws: Whether the terminal can be cleared.
    public func stepping(from word: String?, redraws: Bool) throws(Failure) -> Plan {
        let first =
            try word.map { word throws(Failure) in
                try indices(named: word, "vfs-run plan").min() ?? 1
            } ?? 1
        let lines = text.split(separator: "\n").map(String.init)
        let changes = PlanChanges(self).steps
        let source = document.lines
        var stepping = self
        for index in (first..<firstAfterStart).reversed() {
            let planned = steps[index]
            let manual = type(of: planned.step).manual
            var stop = StopHere(number: index + 1, next: planned)
            let shown = max(index - 5, 0)..<min(index + 8, lines.count)
            stop.prompt = StepPrompt(
                lines: shown.map { ($0 == index ? "> " : "  ") + lines[$0] },
                why: StepManual.lines(
                    of: "\(manual.what) Why here: \(manual.why) Calls: \(manual.calls)", width: 76
                ).map { "  \($0)\n" }.joined(),
                config: "  \(place(of: planned.origin, source).printable)\n" + configLine(planned),
                planned: changes[index - 1], redraws: redraws)
            stepping.steps.insert(
                PlannedStep(kind: .runtime(stop), origin: .argument("step")), at: index)
        }
        return stepping
    }

    private func configLine(_ planned: PlannedStep) -> String {
        guard case .config(let offset) = planned.origin, document.words(at: offset) == nil else {
            return ""
        }
        let rest = document.bytes[min(offset, document.bytes.count)...].prefix(240)
        let line = rest.prefix { $0 != 0x0a }
        return "  \(document.path(to: offset).printable): "
            + String(decoding: line, as: UTF8.self).printable + "\n"
    }
}
