/// The effect of a kind of step, and why it stands where it does: for `vfs-run plan --explain` and
/// docs/steps.md, which is made of nothing else.
public struct StepManual: Sendable, Equatable {
    /// In a few words, no other step's.
    public let name: String
    /// The effect.
    public let what: String
    /// Why it stands where it does: what breaks if it moves.
    public let why: String
    /// The system calls by which it happens, with commas in between.
    public let calls: String

    init(_ name: String, what: String, why: String, calls: String) {
        self.name = name
        self.what = what
        self.why = why
        self.calls = calls
    }
}

extension Plan {
    /// As `text`, with the manual of each kind of step where it first comes.
    public func explainedText(columns: Int? = nil) -> String {
        var explained: [String: Int] = [:]
        var text = ""
        let steps = allSteps
        func indented(_ words: String) -> String {
            // Lines of at most 92 characters, behind the numbers.
            StepManual.lines(of: words, width: min(84, max((columns ?? 93) - 9, 16)))
                .map { "        \($0)\n" }.joined()
        }
        for (index, lines) in self.lines(columns: columns).enumerated() {
            text += lines.joined(separator: "\n") + "\n"
            let manual = type(of: steps[index].step).manual
            if let first = explained[manual.name] {
                text += "        as step \(first)\n"
                continue
            }
            explained[manual.name] = index + 1
            text += indented(manual.what)
            text += indented("Why here: " + manual.why)
            text += indented("Calls: " + manual.calls) + "\n"
        }
        return text
    }
}

extension StepManual {
    /// docs/steps.md, which `make docs` writes.
    public static var page: String {
        var page = """
            # The steps of a start

            `vfs-run plan config.json` prints the steps of a start, and `vfs-run plan --explain` prints
            them with this page's text. This page has every step there is, in the order of a start.
            A start takes those that its config asks for.
            `vfs-run --stop-at STEP config.json` waits before a step, so that one can look.

            This file is generated from the steps' sources: `make docs` writes it.


            """
        for section in RuntimeSection.all {
            page += "## \(section.title)\n\n"
            page += lines(of: section.about, width: 100).joined(separator: "\n") + "\n"
            for kind in section.kinds { page += kind.manual.paragraphs }
            page += "\n"
        }
        page.removeLast()
        return page
    }

    private var paragraphs: String {
        let names = calls.split(separator: ",").map { "`\($0.drop { $0 == " " })`" }
            .joined(separator: ", ")
        let text = """
            \(what)

            *Why here:* \(why)

            *Calls:* \(names)
            """
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).flatMap {
            $0.isEmpty ? [""] : StepManual.lines(of: String($0), width: 100)
        }
        return "\n### \(name)\n\n\(lines.joined(separator: "\n"))\n"
    }

    /// Broken between words.
    static func lines(of words: String, width: Int) -> [String] {
        var lines = [""]
        for word in words.split(separator: " ") {
            if lines[lines.count - 1].count + word.count > width { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines
    }
}
