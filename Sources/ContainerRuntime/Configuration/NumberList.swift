internal import LinuxSystem

/// Numbers as people list CPUs and memory nodes: `0-3,7`.
enum NumberList {
    /// - Throws: The error in `text`: `"3-1" is a range that ends before it begins`.
    static func parse(_ text: String) throws(Failure) -> NumberSet {
        var set = NumberSet()
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let range = try range(part.trimmed)
            for number in range { set.insert(number) }
        }
        return set
    }

    private static func range(_ text: Substring) throws(Failure) -> ClosedRange<Int> {
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let first = try number(ends[0], of: text)
        let last = ends.count == 1 ? first : try number(ends[1], of: text)
        if last < first {
            throw Failure("\"\(text)\" is a range that ends before it begins")
        }
        return first...last
    }

    private static func number(_ text: Substring, of range: Substring) throws(Failure) -> Int {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let number = Int(text) else {
            throw Failure("\"\(range)\" is neither a number nor a range; write \"0-3,7\"")
        }
        guard number < NumberSet.limit else {
            throw Failure("\(text) exceeds the maximum, \(NumberSet.limit - 1)")
        }
        return number
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
