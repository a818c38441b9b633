public import LinuxSystem
internal import SystemPackage

extension Plan {
    /// With a stop before each of the steps that are named: by their numbers, by words that are in
    /// one step's line and in no other's, or `all`.
    ///
    /// - Parameter command: Prints the steps, for a message.
    public func stopping(
        at words: [String], printedBy command: String = "vfs-run plan"
    ) throws(Failure) -> Plan {
        var chosen: Set<Int> = []
        for word in words { chosen.formUnion(try indices(named: word, command)) }
        var stopping = self
        for index in chosen.sorted().reversed() {
            let stop = StopHere(number: index + 1, next: steps[index])
            stopping.steps.insert(
                PlannedStep(kind: .runtime(stop), origin: .argument("--stop-at")), at: index)
        }
        return stopping
    }

    func indices(named word: String, _ command: String) throws(Failure) -> [Int] {
        // Nothing waits before the seal, or behind the program.
        let possible = 1..<firstAfterStart
        if word == "all" { return Array(possible) }
        if let number = Int(word) {
            if possible.contains(number - 1) { return [number - 1] }
            throw Failure(
                "there is no step \(number) to stop at; they go from 2 to"
                    + " \(firstAfterStart), as \"\(command)\" prints them")
        }
        let found = possible.filter { !word.isEmpty && steps[$0].step.summary.has(word) }
        if found.count == 1 { return found }
        let names = found.prefix(3).map { "\($0 + 1), \"\(steps[$0].step.summary)\"" }
        throw Failure(
            found.isEmpty
                ? "no step contains \"\(word)\"; \"\(command)\" prints the steps"
                : "\"\(word)\" matches \(found.count) steps: \(names.joined(separator: "; "))"
                    + "\(found.count > 3 ? " …" : ""); give the number of one")
    }
}
