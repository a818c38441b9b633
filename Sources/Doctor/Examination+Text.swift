internal import LinuxSystem

extension Examination {
    /// How the table is written.
    public struct Style: Sendable {
        /// ✓ ! ✗ in colours, where a person looks at a terminal; words for everybody else.
        public var hasMarks: Bool
        /// Only what is wanting.
        public var isBrief = false

        public init(hasMarks: Bool) {
            self.hasMarks = hasMarks
        }
    }

    /// The mark of a row.
    enum Mark: String {
        case ok, warn, fail, info
        case skip = "-"

        init(_ row: Row) {
            switch row.finding.verdict {
            case .works: self = .ok
            case .lacks: self = row.isNeeded ? .fail : .warn
            case .fact: self = .info
            case .untried: self = .skip
            }
        }

        /// Five columns.
        func text(_ style: Style) -> String {
            if !style.hasMarks { return rawValue.filled(to: 4) }
            return switch self {
            case .ok: "\u{1b}[32m✓\u{1b}[0m"
            case .warn: "\u{1b}[33m!\u{1b}[0m"
            case .fail: "\u{1b}[31m✗\u{1b}[0m"
            case .info: "·"
            case .skip: "-"
            }
        }
    }

    /// The table, and what follows from it.
    public func text(_ style: Style) -> String {
        let width = rows.map(\.title.count).max() ?? 0
        let purposes = rows.map(\.purpose.count).max() ?? 0
        var text = ""
        for group in groups {
            text += text.isEmpty ? "" : "\n"
            text += style.hasMarks ? "\u{1b}[1m\(group.title)\u{1b}[0m\n" : group.title + "\n"
            for row in rows where row.group == group.key {
                text += "  \(Mark(row).text(style)) \(row.title.filled(to: width))"
                text += "  \(row.purpose.filled(to: purposes))"
                let said = row.finding.said.printable(upTo: .longestMessage)
                text += said.isEmpty ? "" : "  \(said)"
                while text.last == " " { text.removeLast() }
                text += "\n"
                if row.finding.verdict == .lacks, let remedy = row.finding.remedy {
                    text += "    " + (style.hasMarks ? "" : "   ") + "→ \(remedy.printable)\n"
                }
            }
        }
        return text + "\n" + conclusion.printable + "\n"
    }

    /// One sentence.
    public var conclusion: String {
        let who = isPrivileged ? "root" : "user \(user)"
        let obstacles = rows.filter(\.isObstacle)
        guard let first = obstacles.first else {
            return "vfs-run config.json can run here, as \(who)."
        }
        let more = obstacles.count > 1 ? ", and \(obstacles.count - 1) more" : ""
        return "vfs-run config.json cannot run here, as \(who): \(first.title): "
            + "\(first.finding.said)\(more)."
    }
}

extension String {
    /// With spaces behind it.
    fileprivate func filled(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
