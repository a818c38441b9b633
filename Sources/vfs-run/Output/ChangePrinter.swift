internal import JSON
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// Prints changes as they are found.
struct ChangePrinter {
    enum Form {
        case lines, json, statistics, content, tree
    }

    private let form: Form
    private let printsUnchanged: Bool
    private let output: FileDescriptor
    private let stream: CallerStream
    private var pending: [UInt8] = []
    private var counts: [Change.Kind: Int] = [:]
    private var growth: Int64 = 0
    private var isFirst = true
    private var tree = ChangeTree()
    /// Of mounts, and the directories above them.
    private var mountPoints: Set<String> = []

    init(_ form: Form, printsUnchanged: Bool, to output: FileDescriptor = .standardOutput) {
        self.form = form
        self.printsUnchanged = printsUnchanged
        self.output = output
        stream = CallerStream(output)
    }

    mutating func print(_ comparison: Comparison) throws(Failure) {
        var comparison = comparison
        while let change = try comparison.next() {
            if change.kind == .unchanged && !printsUnchanged { continue }
            if change.kind == .added && mountPoints.contains(change.path.text) { continue }
            try print(change)
        }
        try finish()
    }

    /// Passes over places to mount on that are new: the start has made them.
    mutating func leaveOut(mountPoints: Set<String>) { self.mountPoints = mountPoints }

    /// The changes of a sandbox, with the paths of the host.
    mutating func print(_ trees: [ChangedTree]) throws(Failure) {
        for tree in trees {
            var comparison = Comparison(tree.stack, uppers: tree.uppers)
            var guarded: (path: LayerPath, reason: String)?
            while var change = try comparison.next() {
                change.guarded = try tree.rules.reason(for: change, below: &guarded)
                if change.kind == .unchanged && !printsUnchanged { continue }
                change.path = change.path.below(tree.prefix)
                change.origin = change.origin?.below(tree.prefix)
                change.link = change.link?.below(tree.prefix)
                try print(change)
            }
        }
        try finish()
    }

    private mutating func finish() throws(Failure) {
        switch form {
        case .lines, .content: break
        case .tree: try write(tree.text)
        case .json: try write(isFirst ? "[]\n" : "\n]\n")
        case .statistics: try write(total)
        }
        try flush()
    }

    private mutating func print(_ change: Change) throws(Failure) {
        switch form {
        case .lines: try write(change.line + "\n")
        case .tree: tree.add(change)
        case .json:
            try write((isFirst ? "[\n    " : ",\n    ") + change.json.compactText)
        case .content:
            try write(change.line + "\n")
            try write(change.content(forTerminal: output.isTerminal))
        case .statistics:
            let sign = change.growth > 0 ? "+" : ""
            let bytes = change.growth == 0 ? "" : "  \(sign)\(change.growth) bytes"
            try write(change.line + bytes + "\n")
            counts[change.kind, default: 0] += 1
            growth.add(upToLimit: change.growth)
        }
        isFirst = false
    }

    private var total: String {
        let words: [(Change.Kind, String)] = [
            (.added, "added"), (.modified, "modified"), (.deleted, "deleted"),
            (.replaced, "of another kind"), (.moved, "moved"), (.unchanged, "unchanged"),
        ]
        let parts = words.compactMap { kind, word in counts[kind].map { "\($0) \(word)" } }
        let sum = parts.isEmpty ? "nothing changed" : parts.joined(separator: ", ")
        return "\(sum), \(growth > 0 ? "+" : "")\(growth) bytes\n"
    }

    private mutating func write(_ text: String) throws(Failure) {
        try write(Array(text.utf8))
    }

    private mutating func write(_ bytes: [UInt8]) throws(Failure) {
        pending += bytes
        if pending.count > 1 << 16 { try flush() }
    }

    private mutating func flush() throws(Failure) {
        try attempt("write", "standard output", try stream.write(all: pending))
        pending = []
    }
}
