internal import LinuxSystem

/// Text of a given width: headings, and rows of a label with words that are wrapped beside it, or
/// below it where there is no room.
struct Page {
    private(set) var text = ""
    private let columns: Int

    /// Of the label, with the space around it.
    private var labelWidth: Int { columns >= 60 ? 18 : 4 }

    init(columns: Int) {
        self.columns = max(columns, 20)
    }

    mutating func heading(_ words: String) {
        if !text.isEmpty { text += "\n" }
        for line in Page.broken(words, to: columns) { text += line + "\n" }
    }

    /// - Parameter words: What a process has chosen is made printable.
    mutating func row(_ label: String, _ words: String, depth: Int = 0) {
        let indent = String(repeating: " ", count: 2 + 2 * min(depth, 8))
        let label = indent + label.printable(upTo: .longestMessage)
        let words = words.printable(upTo: 1 << 16)
        let hanging = String(repeating: " ", count: labelWidth)
        let lines = Page.broken(words, to: columns - labelWidth)
        if words.isEmpty {
            add(label)
        } else if columns >= 60, label.count < labelWidth {
            let space = String(repeating: " ", count: labelWidth - label.count)
            add(label + space + (lines.first ?? ""))
            for line in lines.dropFirst() { add(hanging + line) }
        } else {
            add(label)
            for line in lines { add(hanging + line) }
        }
    }

    /// A paragraph.
    mutating func note(_ words: String) {
        for line in Page.broken(words.printable(upTo: 1 << 16), to: columns - 2) {
            add("  " + line)
        }
    }

    private mutating func add(_ line: String) {
        var rest = Substring(line)
        // A path may be longer than a line. It is not counted as a whole for each of them.
        while let end = rest.index(rest.startIndex, offsetBy: columns, limitedBy: rest.endIndex),
            end < rest.endIndex
        {
            text += rest[..<end] + "\n"
            rest = rest[end...]
        }
        text += rest + "\n"
    }

    /// Lines of at most that many characters, where words are not longer.
    static func broken(_ words: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words.split(separator: " ") {
            if !line.isEmpty && line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }
}
