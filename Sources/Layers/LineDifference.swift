/// The difference of two texts by lines, as `diff -u` prints it.
///
/// The shortest list of edits by Myers' algorithm ("An O(ND) Difference Algorithm and Its
/// Variations", 1986), as long as there are few of them; beyond that what lies between the equal
/// lines at both ends is taken as replaced, so that no text costs more than it is long.
struct LineDifference {
    /// An edit: lines of the old text that became lines of the new one.
    struct Edit: Hashable {
        var old: Range<Int>
        var new: Range<Int>
    }

    /// More edits than this are one: what is kept on the way to them grows with the square.
    static let mostEdits = 1000

    let edits: [Edit]
    private let old: [ArraySlice<UInt8>]
    private let new: [ArraySlice<UInt8>]

    init(_ oldText: [UInt8], _ newText: [UInt8]) {
        old = LineDifference.lines(oldText)
        new = LineDifference.lines(newText)
        let shorter = min(old.count, new.count)
        var start = 0
        while start < shorter, old[start] == new[start] { start += 1 }
        var end = 0
        while end < shorter - start, old[old.count - 1 - end] == new[new.count - 1 - end] {
            end += 1
        }
        let (first, second) = (start..<old.count - end, start..<new.count - end)
        edits =
            LineDifference.search(Array(old[first]), Array(new[second]), from: start)
            ?? [Edit(old: first, new: second)]
    }

    /// Each with its line feed, where it has one.
    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for (index, byte) in text.enumerated() where byte == 0x0a {
            lines.append(text[start...index])
            start = index + 1
        }
        if start < text.count { lines.append(text[start...]) }
        return lines
    }

    /// Nil when there are more edits than are looked for.
    private static func search(
        _ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>], from start: Int
    ) -> [Edit]? {
        if old.isEmpty && new.isEmpty { return [] }
        if old.isEmpty || new.isEmpty {
            return [
                Edit(old: start..<start + old.count, new: start..<start + new.count)
            ]
        }
        // How far each diagonal reaches, for every number of edits: `rounds[d][k + d]`.
        var rounds: [[Int32]] = []
        for edits in 0...min(old.count + new.count, mostEdits) {
            let last = rounds.last
            var reached = [Int32](repeating: 0, count: 2 * edits + 1)
            for diagonal in stride(from: -edits, through: edits, by: 2) {
                var x = 0
                if let last {
                    func before(_ k: Int) -> Int {
                        abs(k) < edits ? Int(last[k + edits - 1]) : -1
                    }
                    let (down, right) = (before(diagonal + 1), before(diagonal - 1) + 1)
                    x = diagonal == -edits || diagonal != edits && right <= down ? down : right
                }
                var y = x - diagonal
                while x < old.count, y < new.count, old[x] == new[y] {
                    x += 1
                    y += 1
                }
                reached[diagonal + edits] = Int32(x)
                if x >= old.count && y >= new.count {
                    return trace(rounds, old.count, new.count, from: start)
                }
            }
            rounds.append(reached)
        }
        return nil
    }

    /// The way back through the rounds, as edits in order, those side by side as one.
    private static func trace(
        _ rounds: [[Int32]], _ oldCount: Int, _ newCount: Int, from start: Int
    ) -> [Edit] {
        var edits: [Edit] = []
        var (x, y) = (oldCount, newCount)
        for count in stride(from: rounds.count, to: 0, by: -1) {
            let last = rounds[count - 1]
            func before(_ k: Int) -> Int { abs(k) < count ? Int(last[k + count - 1]) : -1 }
            let diagonal = x - y
            let (down, right) = (before(diagonal + 1), before(diagonal - 1) + 1)
            let isDown = diagonal == -count || diagonal != count && right <= down
            let (nextX, nextY) =
                isDown ? (down, down - diagonal - 1) : (right - 1, right - diagonal)
            let one =
                isDown
                ? Edit(
                    old: start + nextX..<start + nextX, new: start + nextY..<start + nextY + 1)
                : Edit(
                    old: start + nextX..<start + nextX + 1, new: start + nextY..<start + nextY)
            if let next = edits.last, next.old.lowerBound == one.old.upperBound,
                next.new.lowerBound == one.new.upperBound
            {
                edits[edits.count - 1] = Edit(
                    old: one.old.lowerBound..<next.old.upperBound,
                    new: one.new.lowerBound..<next.new.upperBound)
            } else {
                edits.append(one)
            }
            (x, y) = (nextX, nextY)
        }
        return edits.reversed()
    }

    // MARK: As text

    /// Hunks with three lines around each edit; without the two lines that name the files.
    var hunks: [UInt8] {
        let around = 3
        var text: [UInt8] = []
        var index = 0
        while index < edits.count {
            var last = index
            while last + 1 < edits.count,
                edits[last + 1].old.lowerBound - edits[last].old.upperBound <= 2 * around
            {
                last += 1
            }
            append(edits[index...last], around: around, to: &text)
            index = last + 1
        }
        return text
    }

    private func append(_ edits: ArraySlice<Edit>, around: Int, to text: inout [UInt8]) {
        guard let first = edits.first, let last = edits.last else { return }
        let lead = min(around, first.old.lowerBound)
        let tail = min(around, old.count - last.old.upperBound)
        let oldRange = first.old.lowerBound - lead..<last.old.upperBound + tail
        let newRange = first.new.lowerBound - lead..<last.new.upperBound + tail
        let header = "@@ -\(place(oldRange)) +\(place(newRange)) @@\n"
        text += header.utf8
        var position = oldRange.lowerBound
        for edit in edits {
            for line in old[position..<edit.old.lowerBound] { append(" ", line, to: &text) }
            for line in old[edit.old] { append("-", line, to: &text) }
            for line in new[edit.new] { append("+", line, to: &text) }
            position = edit.old.upperBound
        }
        for line in old[position..<oldRange.upperBound] { append(" ", line, to: &text) }
    }

    private func place(_ range: Range<Int>) -> String {
        switch range.count {
        case 0: "\(range.lowerBound),0"
        case 1: "\(range.lowerBound + 1)"
        default: "\(range.lowerBound + 1),\(range.count)"
        }
    }

    private func append(_ sign: String, _ line: ArraySlice<UInt8>, to text: inout [UInt8]) {
        text += sign.utf8
        text += line
        if line.last != 0x0a { text += "\n\\ No newline at end of file\n".utf8 }
    }
}
