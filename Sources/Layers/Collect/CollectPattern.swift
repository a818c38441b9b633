/// Which files are collected after a run, by the rules of BenchExec's result files: `?` is one
/// character, `*` any number of them, `**` any number of directories. A pattern that matches a
/// directory matches all that is in it. Wildcards match no name that begins with a dot.
public struct CollectPattern: Sendable, Hashable {
    /// As it was written.
    public let text: String
    /// Whether it counts from the root directory, and not from the working directory.
    public let isAbsolute: Bool
    /// Without the slashes; no `.` among them.
    private let names: [[UInt8]]

    /// The longest pattern, in bytes, as the longest path.
    private static let mostBytes = 4096

    /// - Throws: The sentence for what is no pattern.
    public init(_ text: String) throws(CollectPattern.Refusal) {
        self.text = text
        isAbsolute = text.hasPrefix("/")
        let bytes = Array(text.utf8)
        if bytes.isEmpty { throw .empty }
        if bytes.count > CollectPattern.mostBytes || bytes.contains(0) { throw .tooLong }
        names = bytes.split(separator: 0x2f).map { Array($0) }.filter { $0 != [0x2e] }
        if names.contains([0x2e, 0x2e]) { throw .leadsUp }
    }

    public enum Refusal: Error, Sendable, Hashable {
        case empty, tooLong
        /// A `..` in it.
        case leadsUp

        public var words: String {
            switch self {
            case .empty: "is empty; use . for all files below the working directory"
            case .tooLong: "is longer than a path can be, or has a NUL in it"
            case .leadsUp: "leads upwards by \"..\"; write an absolute pattern"
            }
        }
    }

    /// Whether a file, or a directory above it, matches.
    ///
    /// - Parameter path: The names from the directory that the pattern counts from.
    func matches(_ path: [[UInt8]]) -> Bool {
        // The places in the pattern that the names so far may have led to.
        var places: Set<Int> = CollectPattern.closed([0], names)
        if places.contains(names.count) { return true }
        for name in path {
            var next: Set<Int> = []
            for place in places where place < names.count {
                if names[place] == CollectPattern.anyDirectories {
                    if name.first != 0x2e { next.insert(place) }
                } else if CollectPattern.matches(name, names[place]) {
                    next.insert(place + 1)
                }
            }
            places = CollectPattern.closed(next, names)
            if places.contains(names.count) { return true }
            if places.isEmpty { return false }
        }
        return false
    }

    private static let anyDirectories: [UInt8] = [0x2a, 0x2a]

    /// With those that are reached without a name: `**` is also no directory at all.
    private static func closed(_ places: Set<Int>, _ names: [[UInt8]]) -> Set<Int> {
        var all = places
        for first in places {
            var place = first
            while place < names.count, names[place] == anyDirectories {
                place += 1
                all.insert(place)
            }
        }
        return all
    }

    /// One name. After a `*` that has taken too little the comparison goes back to it and has it
    /// take one byte more.
    private static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        if name.first == 0x2e && pattern.first != 0x2e { return false }
        var (at, place) = (0, 0)
        var star: (place: Int, at: Int)?
        while at < name.count {
            if place < pattern.count, pattern[place] == 0x2a {
                star = (place, at)
                place += 1
            } else if place < pattern.count, pattern[place] == 0x3f {
                at += 1
                // The rest of a character in UTF-8.
                while at < name.count, name[at] & 0xc0 == 0x80 { at += 1 }
                place += 1
            } else if place < pattern.count, pattern[place] == name[at] {
                at += 1
                place += 1
            } else if let last = star {
                star = (last.place, last.at + 1)
                at = last.at + 1
                place = last.place + 1
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == 0x2a { place += 1 }
        return place == pattern.count
    }
}
