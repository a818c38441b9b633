internal import Layers
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

extension Option {
    static let asks = Option(
        "ask", "show the changes at the end, and apply those that are chosen at the terminal")
    static let applies = Option(
        "apply", "apply the changes at the end if the command succeeded; guarded paths are left out"
    )
}

/// The end of a sandbox with `--ask` or `--apply`.
struct ApplyReview {
    private let sandbox: KeptSandbox
    private let log: Log

    /// - Parameter sandbox: Locked by this process.
    init(_ sandbox: KeptSandbox, _ log: Log) {
        self.sandbox = sandbox
        self.log = log
    }

    /// - Throws: No person can be asked.
    static func requireTerminal() throws(Failure) { _ = try Conversation() }

    /// What has become of the changes.
    enum Result {
        case nothingChanged
        /// Every change is guarded, or has a conflict.
        case kept
        /// The user has refused all of them.
        case refused
        /// With the exit code of `apply`.
        case applied(CInt)
    }

    /// Carries out `--ask` or `--apply`, and removes the sandbox where nothing of it is needed any
    /// more: nothing was applied, and the user has not named it.
    ///
    /// - Returns: The exit code; `code` is that of the command.
    func conclude(_ code: CInt, _ arguments: ParsedArguments) throws(Failure) -> CInt {
        let name = sandbox.name.text
        if !arguments.has(.asks) && code != 0 {
            log.tell(
                "kept as \(name), not applied: the command failed; vfs-run apply \(name) --all"
                    + " applies it, vfs-run discard \(name) removes it")
            return code
        }
        switch try arguments.has(.asks) ? ask() : applyAll() {
        case .applied(let applied):
            log.tell(
                "applied; vfs-run apply --undo \(name) takes it back, vfs-run discard \(name)"
                    + " removes what is kept for that")
            return code == 0 ? applied : code
        case .kept:
            log.tell(
                "kept as \(name), not applied; vfs-run apply \(name) --all --guarded applies it,"
                    + " vfs-run discard \(name) removes it")
            return code
        case .nothingChanged, .refused:
            if arguments.has(.sandboxName) || arguments.has(.keepSandbox) {
                log.tell("kept as \(name), not applied")
            } else {
                // This process is the root of the ids that the files belong to.
                try SandboxStore.ofCaller().removeDirectory(sandbox.name)
            }
            return code
        }
    }

    /// Applies everything that is not guarded.
    func applyAll() throws(Failure) -> Result {
        let trees = try ChangedTrees(of: sandbox, locks: false)
        return try apply(trees, trees.trees.map { ($0, .all) })
    }

    /// Shows the changes and asks which ones are to be applied.
    func ask() throws(Failure) -> Result {
        let terminal = try Conversation()
        let trees = try ChangedTrees(of: sandbox, locks: false)
        let list = ChangeList()
        try trees.plan { event, tree throws(Failure) in list.add(event, tree) }
        if list.changes.isEmpty && list.guarded.isEmpty { return .nothingChanged }
        try show(list, trees, terminal)
        if list.changes.isEmpty { return .kept }
        while true {
            let hint = list.isWhole ? "[y]es, [n]o, [c]hoose" : "[y]es, [n]o"
            switch try terminal.ask("apply \(list.count) changes? \(hint): ") {
            case "y", "yes":
                return try apply(trees, trees.trees.map { ($0, .all) })
            case "n", "no", .none: return .refused
            case "c",
                "choose" where list.isWhole:
                return try choose(list, trees, terminal)
            default: continue
            }
        }
    }

    private func show(
        _ list: ChangeList, _ trees: ChangedTrees, _ terminal: Conversation
    ) throws(Failure) {
        for change in list.changes {
            try terminal.write(change.line(trees) + "\n")
        }
        if !list.isWhole {
            try terminal.write(
                "and \(list.count - list.changes.count) more; vfs-run diff \(sandbox.name.text)"
                    + " prints all\n")
        }
        for (change, reason) in list.guarded {
            try terminal.write("\(change.line(trees))  not applied: \(reason)\n")
        }
    }

    private func choose(
        _ list: ChangeList, _ trees: ChangedTrees, _ terminal: Conversation
    ) throws(Failure) -> Result {
        var chosen: [Int: (whole: [LayerPath], alone: [LayerPath])] = [:]
        // The directory that the last answer is for.
        var answered: (tree: Int, path: LayerPath)?
        var rest: Bool?
        for change in list.changes {
            if let answered, answered.tree == change.tree,
                change.path.isBelow(answered.path)
            {
                continue
            }
            var answer = rest
            while answer == nil {
                switch try terminal.ask("\(change.line(trees)) [y/n/a/q]: ") {
                case "y", "yes": answer = true
                case "n", "no": answer = false
                case "a", "all": (answer, rest) = (true, true)
                case "q", "quit", .none: (answer, rest) = (false, false)
                default: continue
                }
            }
            // What is in a new directory comes and goes with it. For what is in one that was there
            // before the user is asked.
            let isAlone = change.isDirectory && change.kind == .modified
            if change.isDirectory && !isAlone { answered = (change.tree, change.path) }
            guard answer == true else { continue }
            var paths = chosen[change.tree] ?? ([], [])
            if isAlone { paths.alone.append(change.path) } else { paths.whole.append(change.path) }
            chosen[change.tree] = paths
        }
        if chosen.isEmpty { return .refused }
        return try apply(
            trees,
            trees.trees.enumerated().compactMap { index, tree in
                chosen[index].map { (tree, ApplySelection(of: $0.whole, alone: $0.alone)) }
            })
    }

    private func apply(
        _ trees: ChangedTrees, _ chosen: [(tree: ChangedTree, selection: ApplySelection)]
    ) throws(Failure) -> Result {
        let printer = ApplyPrinter(isQuiet: true, log)
        try trees.apply(chosen, ChangedTrees.Manner(), printer)
        if let remark = printer.remark { log.warning(remark) }
        if printer.applied > 0 { return .applied(printer.exitCode) }
        return printer.remark == nil ? .nothingChanged : .kept
    }
}

/// The changes that are asked for, as many as a person reads.
private final class ChangeList {
    struct Entry {
        var kind: Change.Kind
        var path: LayerPath
        var isDirectory: Bool
        var tree: Int

        func line(_ trees: ChangedTrees) -> String {
            let shown = path.below(trees.trees[tree].prefix).shown(isDirectory: isDirectory)
            return "\(kind.letter) \(shown)"
        }
    }

    private static let most = 1000

    private(set) var changes: [Entry] = []
    private(set) var guarded: [(Entry, String)] = []
    private(set) var count = 0

    var isWhole: Bool { count == changes.count }

    func add(_ event: ApplyEvent, _ tree: Int) {
        switch event {
        case .change(let kind, let path, let isDirectory):
            count += 1
            if changes.count < ChangeList.most {
                changes.append(
                    Entry(kind: kind, path: path, isDirectory: isDirectory, tree: tree))
            }
        case .left(let path, let isDirectory, let reason):
            if guarded.count < ChangeList.most {
                let entry = Entry(
                    kind: .unchanged, path: path, isDirectory: isDirectory, tree: tree)
                guarded.append((entry, reason.words))
            }
        case .note: break
        }
    }
}

/// The terminal that this process is controlled by.
private final class Conversation {
    private let device: OwnedDescriptor
    private static let mostBytes = 4096

    init() throws(Failure) {
        do throws(Errno) {
            device = try HostPath.open("/dev/tty", [.readWrite, .noControllingTerminal])
        } catch {
            throw Failure("--ask needs a terminal, and this process has none")
        }
    }

    func write(_ text: String) throws(Failure) {
        try attempt(
            "write", on: "/dev/tty",
            try device.borrowed.write(all: Array(text.printableLines.utf8)))
    }

    /// The answer in lower case; nil at the end of the input.
    func ask(_ question: String) throws(Failure) -> String? {
        try write(question)
        var line: [UInt8] = []
        while true {
            let byte = try attempt(
                "read", on: "/dev/tty", try device.borrowed.readBytes(upTo: 1))
            guard let byte = byte.first else { return line.isEmpty ? nil : word(line) }
            if byte == 0x0a { return word(line) }
            if line.count < Conversation.mostBytes { line.append(byte) }
        }
    }

    private func word(_ line: [UInt8]) -> String {
        String(decoding: line, as: UTF8.self).lowercased().split(separator: " ").first.map(
            String.init) ?? ""
    }
}
