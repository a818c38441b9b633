/// Variables of a process, each written `NAME=value`.
enum Environment {
    /// Of a name that stands twice the last one, at its place; an empty HOME counts as none.
    /// Programs disagree on which of two they take, other runtimes do it so.
    static func prepared(_ entries: [String]) -> [String] {
        var seen: Set<Substring> = []
        return entries.reversed().filter {
            seen.insert($0.prefix { $0 != "=" }).inserted && $0 != "HOME="
        }.reversed()
    }

    static func hasHome(_ entries: [String]) -> Bool {
        entries.contains { $0.hasPrefix("HOME=") }
    }
}
