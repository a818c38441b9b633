internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// Prints what is applied, and what is not.
final class ApplyPrinter {
    private let isQuiet: Bool
    private let log: Log
    private let stream = CallerStream(.standardOutput)
    private var pending: [UInt8] = []
    private(set) var applied = 0
    private(set) var conflicts = 0
    private(set) var guarded = 0
    private(set) var never = 0
    private(set) var failed = 0

    init(isQuiet: Bool, _ log: Log) {
        self.isQuiet = isQuiet
        self.log = log
    }

    /// - Parameter prefix: In front of each path.
    func tell(_ event: ApplyEvent, _ prefix: String) throws(Failure) {
        switch event {
        case .change(let kind, let path, let isDirectory):
            if kind == .unchanged { return }
            applied += 1
            if isQuiet { return }
            pending += Array(
                "\(kind.letter) \(path.below(prefix).shown(isDirectory: isDirectory))\n".utf8)
            if pending.count > 1 << 16 { try flush() }
        case .left(let path, let isDirectory, let reason):
            switch reason {
            case .conflict: conflicts += 1
            case .guarded: guarded += 1
            case .never: never += 1
            case .failed: failed += 1
            }
            try flush()
            let name = path.below(prefix).shown(isDirectory: isDirectory)
            log.warning("not applied: \(name): \(reason.words)")
        case .note(let path, let words):
            if isQuiet { return }
            try flush()
            log.warning("\(path.below(prefix).shown()): \(words)")
        }
    }

    func flush() throws(Failure) {
        if pending.isEmpty { return }
        try attempt("write", "standard output", try stream.write(all: pending))
        pending = []
    }

    /// One sentence with what was left out, for standard error; nil where nothing was.
    var remark: String? {
        var parts: [String] = []
        if conflicts > 0 {
            parts.append("\(conflicts) changed on the host (--force overwrites)")
        }
        if guarded > 0 { parts.append("\(guarded) guarded (--guarded applies them)") }
        if never > 0 { parts.append("\(never) of a kind that is never applied") }
        if failed > 0 { parts.append("\(failed) failed") }
        return parts.isEmpty ? nil : "not applied: " + parts.joined(separator: ", ")
    }

    /// 3 where the host has changed, 1 where something failed.
    var exitCode: CInt { failed > 0 ? 1 : conflicts > 0 ? 3 : 0 }
}
