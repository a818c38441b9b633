/// Text beside or below a first part, for screens of any width.
public enum HangingText {
    /// Below this the words stand below the first part.
    private static let leastColumns = 24

    /// - Parameters:
    ///   - first: What the first line begins with.
    ///   - width: How many columns that takes, where it is not one a character.
    ///   - words: Broken between words. One that is longer than a line is cut into several.
    ///   - indent: Of words below the first part.
    public static func lines(
        _ first: String, width: Int? = nil, _ words: String, columns: Int, indent: Int = 4
    ) -> [String] {
        let width = width ?? first.count
        if columns - width >= leastColumns {
            let hanging = String(repeating: " ", count: width)
            return broken(words, to: columns - width).enumerated().map { index, line in
                (index == 0 ? first : hanging) + line
            }
        }
        var start = first
        while start.last == " " { start.removeLast() }
        let margin = String(repeating: " ", count: indent)
        return [start] + broken(words, to: max(columns - indent, 8)).map { margin + $0 }
    }

    /// At least one line.
    public static func broken(_ words: String, to width: Int) -> [String] {
        var lines = [""]
        var last = 0
        for word in words.split(separator: " ") {
            var rest = word
            if last > 0 && last + 1 + rest.count > width {
                lines.append("")
                last = 0
            }
            while let end = rest.index(rest.startIndex, offsetBy: width, limitedBy: rest.endIndex),
                end < rest.endIndex, last == 0
            {
                lines[lines.count - 1] = String(rest[..<end])
                lines.append("")
                rest = rest[end...]
            }
            lines[lines.count - 1] += (last == 0 ? "" : " ") + rest
            last += rest.count + (last == 0 ? 0 : 1)
        }
        return lines
    }
}
