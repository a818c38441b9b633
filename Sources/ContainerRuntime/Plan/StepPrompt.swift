internal import JSON
public import LinuxSystem
internal import SystemPackage

/// The command `step`: a prompt before each step, and what it can tell. All of it is known when the
/// plan is made; a start without it has none.
struct StepPrompt: Sendable {
    /// The lines of the plan around here, the next step marked.
    let lines: [String]
    let why: String
    let config: String
    let changed: String
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

    func answer(to word: String) -> String {
        switch word {
        case "why", "w": why
        case "config": config
        case "changed": changed
        default: "\"\(word.printable(upTo: 40))\" is none of the words below\n"
        }
    }

    /// A shell in the namespaces of the init process, as they are now.
    static func shell(in pid: Int32?, at terminal: FileDescriptor) throws(Failure) {
        func tell(_ words: String) throws(Failure) {
            try attempt("write", on: "/dev/tty", try terminal.write(all: Array(words.utf8)))
        }
        guard let pid else {
            return try tell("there is no init process yet, and so no namespaces\n")
        }
        let paths = ["/usr/bin/nsenter", "/bin/nsenter"]
        guard let path = paths.first(where: { (try? FileStatus.of(path: $0)) != nil }) else {
            return try tell("nsenter(1) is not installed\n")
        }
        var arguments = [path, "--target", String(pid)]
        for kind in NamespaceKind.all where kind.flag != .time {
            let name = try? HostPath.linkTarget("/proc/\(pid)/ns/\(kind.file)")
            let here = try? HostPath.linkTarget("/proc/self/ns/\(kind.file)")
            if name != here { arguments.append("--\(kind.file == "mnt" ? "mount" : kind.file)") }
        }
        let program = Program(
            path: path, arguments: arguments + ["/bin/sh"],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux", "PS1=in \(pid) # "])
        do {
            _ = try program.run(at: terminal)
        } catch {
            try tell("\(path): \(error.words)\n")
        }
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
            let before = changes[index - 1].map {
                "  \($0.what): \($0.before) -> \($0.after)\n".printableLines
            }
            stop.prompt = StepPrompt(
                lines: shown.map { ($0 == index ? "> " : "  ") + lines[$0] },
                why: StepManual.lines(
                    of: "\(manual.what) Why here: \(manual.why) Calls: \(manual.calls)", width: 76
                ).map { "  \($0)\n" }.joined(),
                config: "  \(place(of: planned.origin, source).printable)\n" + configLine(planned),
                changed: before.isEmpty
                    ? "  nothing that mounts, ids, capabilities, namespaces or limits show\n"
                    : before.joined(), redraws: redraws)
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
