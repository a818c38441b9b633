public import JSON
internal import Layers
internal import LinuxSystem

/// Everything that a start does, in order, as data.
public struct Plan: Sendable {
    public var steps: [PlannedStep]
    /// Taken when the container has ended, and after a failure.
    public var ending: [PlannedStep] = []
    /// Those that the init process gets.
    var namespaces: NamespaceSet = []
    /// The socket that gets the terminal; nil when the runtime keeps it.
    package var consoleSocket: String?
    /// Whether the process that takes the container's steps makes another one, which goes on.
    var entersLate = false
    /// Whether the init process becomes an init, with the program beside it.
    package var hasInit = false
    /// Whether the watchdog kills what is left in the container's mount namespace.
    var watchesMounts = false
    /// Whether the program may change the settings of the caller's terminal.
    var sharesTerminal = false
    /// Whether the state stays when the container has ended.
    package var isKept = false
    /// Whether something depends on the program's start: then a death on the way there is told
    /// apart at once.
    package var actsOnStart = false
    /// What the run is held to.
    public var limits = HeldLimits()
    /// Whether the clock of the init process is that of the runtime process.
    package var sharesClock = true
    /// Whether the process joins a container that exists.
    package var joinsContainer = false
    /// Whether the init process waits for a job.
    package var awaitsJob = false
    /// Whether a failure names its step.
    var namesSteps = true
    /// The program's, in the container.
    public var workingDirectory = "/"
    /// The layers below the upper, where the caller wants to see what was written.
    var compared: KeptUpper.Record?
    /// The same of copy-on-write trees.
    var comparedTrees: [ComparedTree] = []

    struct ComparedTree: Sendable {
        /// In the container.
        let path: String
        let number: Int
        /// Where its upper is kept; nil where it is thrown away.
        let directory: String?
        let record: KeptUpper.Record
    }

    /// config.json, which the origins point into.
    package let document: JSONDocument
    package let file: String
    /// The directory that its paths are relative to.
    package var bundle = ""

    /// In the order in which they are taken.
    var allSteps: [PlannedStep] { steps + ending }

    /// The step that makes the init process: what stands before is the runtime's.
    var entry: Int { steps.firstIndex { $0.spawning != nil } ?? steps.count }

    /// The first step behind the program's execution: the runtime's again.
    package var firstAfterStart: Int {
        (steps.lastIndex { $0.isProgram } ?? steps.count - 1) + 1
    }

    /// Where a step comes from, for people: `config.json:41`, `--upper`, `default`.
    public func place(of origin: Origin) -> String {
        place(of: origin, document.lines)
    }

    /// With the document's table of lines, for many origins.
    func place(of origin: Origin, _ lines: JSONLines) -> String {
        switch origin {
        case .config(let offset): words(at: offset) ?? "\(file):\(lines.line(of: offset))"
        case .argument(let name): name
        case .builtIn(let reason): reason
        }
    }

    /// Of a config that a command line stands for.
    private func words(at offset: Int) -> String? {
        document.words(at: offset).map { $0.isEmpty ? "default" : $0 }
    }

    /// Options whose value a failure is about.
    private static let namedInFailures: Set<String> = [
        "--upper", "--layer", "--stdin", "--stdout", "--stderr",
    ]

    /// The failure of a step: where it comes from, what it was, why.
    func failure(of planned: PlannedStep, _ error: Failure) -> Failure {
        if !namesSteps { return error }
        let subject = planned.step.summary
        return switch planned.origin {
        case .config(let offset) where document.words(at: offset) == "": error.within(subject)
        case .argument(let name) where !Plan.namedInFailures.contains(name):
            error.within(subject)
        case .config, .argument: error.within("\(place(of: planned.origin)): \(subject)")
        case .builtIn: error.within(subject)
        }
    }

    /// Numbered lines: side, what, where from. Of a long one the middle is left out.
    public var text: String {
        let steps = allSteps
        let summaries = steps.map { $0.step.summary.printable(upTo: .longestMessage) }
        let width = min(summaries.map(\.count).max() ?? 0, 72)
        let digits = String(steps.count).count
        var text = ""
        let lines = document.lines
        for (index, planned) in steps.enumerated() {
            let number = String(index + 1).padded(to: -digits)
            let side = planned.side.rawValue.padded(to: 9)
            let summary = summaries[index].padded(to: width)
            text +=
                "\(number)  \(side)  \(summary)  \(place(of: planned.origin, lines).printable)\n"
        }
        return text
    }

    /// For a screen: the same where it fits, otherwise each step with its words broken, and its origin
    /// behind them.
    ///
    /// - Parameter columns: Nil: there is no screen.
    public func text(columns: Int?) -> String {
        lines(columns: columns).map { $0.joined(separator: "\n") + "\n" }.joined()
    }

    /// By step.
    func lines(columns: Int?) -> [[String]] {
        let table = text.split(separator: "\n").map(String.init)
        guard let columns, table.contains(where: { $0.count > columns }) else {
            return table.map { [$0] }
        }
        let steps = allSteps
        let digits = String(steps.count).count
        let places = document.lines
        return steps.enumerated().map { index, planned in
            var first = String(index + 1).padded(to: -digits) + "  "
            let side = planned.side.rawValue
            if columns >= 60 { first += side.padded(to: 9) + "  " }
            let summary = planned.step.summary.printable(upTo: .longestMessage)
            let words = columns >= 60 ? summary : "\(side): \(summary)"
            let origin = place(of: planned.origin, places).printable
            return HangingText.lines(first, "\(words) [\(origin)]", columns: columns)
        }
    }

    public var json: JSONOutput { json(isExplained: false) }

    /// With the manual of each step.
    public var explainedJSON: JSONOutput { json(isExplained: true) }

    private func json(isExplained: Bool) -> JSONOutput {
        let lines = document.lines
        return .array(
            allSteps.enumerated().map { index, planned in
                var members: [(key: String, value: JSONOutput)] = [
                    ("step", .integer(Int64(index + 1))),
                    ("side", .string(planned.side.rawValue)),
                    ("does", .string(planned.step.summary)),
                    ("undone", .string(planned.step.undoing)),
                ]
                switch planned.origin {
                case .config(let offset) where document.words(at: offset) != nil:
                    let words = document.words(at: offset) ?? ""
                    members.append(("origin", .string(words.isEmpty ? "default" : "argument")))
                    if !words.isEmpty { members.append(("argument", .string(words))) }
                    members.append(("path", .string(document.path(to: offset))))
                case .config(let offset):
                    members.append(("origin", .string("config")))
                    members.append(("file", .string(file)))
                    members.append(("line", .integer(Int64(lines.line(of: offset)))))
                    members.append(("path", .string(document.path(to: offset))))
                case .argument(let name):
                    members.append(("origin", .string("argument")))
                    members.append(("argument", .string(name)))
                case .builtIn(let reason):
                    members.append(("origin", .string(reason)))
                }
                if isExplained {
                    let manual = type(of: planned.step).manual
                    members.append(("topic", .string(manual.name)))
                    members.append(("what", .string(manual.what)))
                    members.append(("calls", .string(manual.calls)))
                    members.append(("why", .string(manual.why)))
                }
                return .object(members)
            })
    }
}

extension String {
    /// With spaces up to `width`; a negative width pads on the left.
    fileprivate func padded(to width: Int) -> String {
        let missing = abs(width) - count
        if missing <= 0 { return self }
        let spaces = String(repeating: " ", count: missing)
        return width < 0 ? spaces + self : self + spaces
    }
}
