public import JSON
internal import LinuxSystem

extension Selftest {
    /// The table.
    ///
    /// - Parameter hasMarks: ✓ ✗ in colours, where a person looks at a terminal; words for
    ///   everybody else.
    public func text(hasMarks: Bool) -> String {
        let trials = TrialGroup.all.flatMap(\.trials)
        let width = trials.map(\.title.count).max() ?? 0
        let ran = columns.filter { $0.problem == nil }
        var text = ""
        if columns.count > 1 {
            text = String(repeating: " ", count: width + 2)
            for column in ran { text += "  " + Selftest.filled(column.tool.rawValue, 7) }
            text += "\n"
        }
        for group in TrialGroup.all {
            text += hasMarks ? "\u{1b}[1m\(group.title)\u{1b}[0m\n" : group.title + "\n"
            for trial in group.trials {
                text += "  " + Selftest.filled(trial.title, width)
                for column in ran { text += "  " + mark(column.results[trial.key], hasMarks) }
                if let own = ran.first(where: { $0.tool == .own })?.results[trial.key] {
                    text += "  " + own.said.printable(upTo: .longestMessage)
                }
                while text.last == " " { text.removeLast() }
                text += "\n"
            }
        }
        for column in columns {
            if let problem = column.problem { text += "\n\(column.tool.rawValue): \(problem)\n" }
        }
        return text + "\n" + conclusion + "\n"
    }

    /// One sentence.
    private var conclusion: String {
        let own = columns.first { $0.tool == .own }?.results ?? [:]
        let failed = TrialGroup.all.flatMap(\.trials).filter {
            if case .fails = own[$0.key] { true } else { false }
        }
        if own.isEmpty { return "Nothing was tried." }
        guard let first = failed.first else {
            return "All that should hold in a sandbox of vfs-run holds here."
        }
        let more = failed.count > 1 ? ", and \(failed.count - 1) more" : ""
        return "Not all that should hold does: \(first.title)\(more)."
    }

    /// Seven columns.
    private func mark(_ result: TrialResult?, _ hasMarks: Bool) -> String {
        let word = result?.word ?? "-"
        guard hasMarks else { return Selftest.filled(word, 7) }
        let sign =
            switch result {
            case .holds: "\u{1b}[32m✓\u{1b}[0m"
            case .fails: "\u{1b}[31m✗\u{1b}[0m"
            case .untried, nil: "-"
            }
        return sign + String(repeating: " ", count: 6)
    }

    private static func filled(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    public var json: JSONOutput {
        [
            "holds": .bool(holds),
            "tools": .array(
                columns.map { column in
                    [
                        "name": .string(column.tool.rawValue),
                        "problem": column.problem.map(JSONOutput.string) ?? .null,
                    ]
                }),
            "trials": .array(
                TrialGroup.all.flatMap { group in group.trials.map { row($0, group) } }),
        ]
    }

    private func row(_ trial: Trial, _ group: TrialGroup) -> JSONOutput {
        .object([
            ("key", .string(trial.key)), ("group", .string(group.title)),
            ("title", .string(trial.title)),
            (
                "results",
                .object(
                    columns.compactMap { column in
                        guard let result = column.results[trial.key] else { return nil }
                        return (
                            column.tool.rawValue,
                            ["verdict": .string(result.word), "said": .string(result.said)]
                        )
                    })
            ),
        ])
    }
}
