internal import LinuxSystem

extension Examination {
    /// How the table is written.
    public struct Style: Sendable {
        /// ✓ ! ✗ in colours, where a person looks at a terminal; words for everybody else.
        public var hasMarks: Bool
        /// Only what is wanting.
        public var isBrief = false
        /// Of the screen; nil: there is none, and a row is a line.
        public var columns: Int?

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
            let titles = HangingText.broken(group.title, to: style.columns ?? .max)
            for line in titles {
                text += style.hasMarks ? "\u{1b}[1m\(line)\u{1b}[0m\n" : line + "\n"
            }
            for row in rows where row.group == group.key {
                if let columns = style.columns {
                    text += lines(row, style, columns).map { $0 + "\n" }.joined()
                    continue
                }
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
        let last = style.columns.map { HangingText.broken(conclusion.printable, to: $0) }
        return text + "\n" + (last ?? [conclusion.printable]).joined(separator: "\n") + "\n"
    }

    private static let titleColumns = 40

    /// A row of a screen: its title, and beside or below it the purpose, the answer and the remedy.
    private func lines(_ row: Row, _ style: Style, _ columns: Int) -> [String] {
        let mark = style.hasMarks ? 4 : 7
        let first = "  \(Mark(row).text(style)) "
        let said = row.finding.said.printable(upTo: .longestMessage)
        let words = [row.purpose, said].filter { !$0.isEmpty }.joined(separator: ": ")
        let margin = String(repeating: " ", count: mark)
        let room = Examination.titleColumns - mark - row.title.count
        var lines: [String]
        if columns >= 80 && room > 1 {
            lines = HangingText.lines(
                first + row.title + String(repeating: " ", count: room),
                width: Examination.titleColumns, words, columns: columns)
        } else {
            lines = HangingText.broken(row.title, to: columns - mark).enumerated().map {
                ($0 == 0 ? first : margin) + $1
            }
            if !words.isEmpty {
                lines += HangingText.broken(words, to: columns - mark).map { margin + $0 }
            }
        }
        if row.finding.verdict == .lacks, let remedy = row.finding.remedy {
            lines += HangingText.lines(
                margin + "→ ", remedy.printable, columns: columns, indent: mark)
        }
        return lines
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
