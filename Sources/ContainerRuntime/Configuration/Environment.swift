/// Variables of a process, each written `NAME=value`.
enum Environment {
    /// Of several variables with one name only the last, and no empty HOME: programs disagree on
    /// which of several they use, and other runtimes do the same.
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
