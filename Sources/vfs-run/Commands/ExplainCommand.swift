internal import ContainerRuntime
internal import Explain
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension Option {
    static let width = Option(
        "width", value: "COLUMNS", "the width of the text; default: that of the terminal, or 80")
    fileprivate static let path = Option(
        "path", value: "PATH",
        "only the mount that PATH in the container lies in, and why it is read-only or not")
    fileprivate static let noAttach = Option(
        "no-attach", "do not stop the process for a moment to read its seccomp filters")
}

extension ParsedArguments {
    /// The width of the screen, for text that is wider elsewhere; nil where there is none.
    func screenColumns() throws(Failure) -> Int? {
        if value(.width) != nil { return try columns() }
        guard let size = try? FileDescriptor.standardOutput.terminalSize(), size.columns >= 20
        else { return nil }
        return Int(size.columns)
    }

    /// The width of a text for people.
    func columns() throws(Failure) -> Int {
        guard let text = value(.width) else {
            let size = try? FileDescriptor.standardOutput.terminalSize()
            return size.map { $0.columns > 0 ? min(Int($0.columns), 120) : 80 } ?? 80
        }
        guard let number = Int(text), (20...1000).contains(number) else {
            throw Failure("--width: \(text.inQuotes) is no number of columns; use 20 to 1000")
        }
        return number
    }
}

extension Command {
    /// `vfs-run explain ID|PID|CONFIG`
    static let explain = Command(
        name: "explain", summary: "say what isolates a process, and which ways out are open",
        operands: "ID|PID|CONFIG.json",
        details: [
            "Of any process of the machine: its namespaces and who shares them, its user and"
                + " capabilities in words, its seccomp filter decoded, its mounts, its limits beside"
                + " their use, labels, and open descriptors that lead outside. At the end the ways"
                + " out that are open, the widest first, each with the line to change. \"self\" is"
                + " the process that executes vfs-run.",
            "Of a container of vfs-run, by its id, the lines of its config.json are named as well. A"
                + " CONFIG.json is explained from its plan, with what a user namespace would change;"
                + " nothing is started.",
            "A process with a filter of unknown origin is stopped for a moment to read it; that"
                + " requires CAP_SYS_ADMIN. What this user may not see is listed as not known.",
        ],
        options: [.json, .width, .path, .noAttach],
        run: { arguments throws(Failure) in
            let explanation = try explanation(arguments)
            let columns = try arguments.columns()
            if let path = arguments.value(.path) {
                guard path.hasPrefix("/") else {
                    throw Failure("--path: \(path.inQuotes) is not an absolute path")
                }
                try Output.write(
                    arguments.has(.json)
                        ? explanation.json(path: path).prettyText
                        : explanation.text(path: path, columns: columns))
                return 0
            }
            try Output.write(
                arguments.has(.json)
                    ? explanation.json.prettyText : explanation.text(columns: columns))
            return 0
        })

    private static func explanation(
        _ arguments: ParsedArguments
    ) throws(Failure) -> Explanation {
        let word = arguments.operands[0]
        let attaches = !arguments.has(.noAttach)
        if word == "self" {
            return try .process(CurrentProcess.parent, title: nil, attaches: attaches)
        }
        if word.contains("/") || word.hasSuffix(".json") {
            return try PlannedExplanation(arguments).explanation
        }
        // An id of digits is a container only where there is one.
        let number = Int32(word)
        let store = arguments.globals.store
        guard let number, number > 0, (try? store.find(ContainerID(word))) == nil else {
            return try explanation(of: try arguments.container(), attaches, arguments)
        }
        return try .process(number, title: nil, attaches: attaches)
    }

    private static func explanation(
        of container: StoredContainer, _ attaches: Bool, _ arguments: ParsedArguments
    ) throws(Failure) -> Explanation {
        let report = try container.report()
        let name = "container \(report.id)"
        guard let pid = try container.programPID() else {
            throw Failure(
                "the \(name) has ended; explain its config.json instead: \(report.bundle)")
        }
        let document = try container.config(process: nil)
        let places = ConfigPlaces(document, file: "config.json")
        let profile = try NamedProfile(of: document, file: "config.json", bundle: report.bundle)
        return try .process(
            pid, title: name, places: places,
            filter: profile.map { ($0.filter, $0.place($0.profile.offset)) }, attaches: attaches)
    }
}
