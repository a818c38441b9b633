internal import LinuxSystem
internal import Seccomp

extension Explanation {
    func addCapabilities(_ page: inout Page) {
        page.heading("Capabilities")
        guard let sets = capabilities.sets else { return page.note("not known") }
        func names(_ set: CapabilitySet) -> String {
            let names = set.names
            if names.isEmpty { return "none" }
            if names.count == CapabilitySet.names.count { return "all \(names.count)" }
            return "\(names.count): " + names.map { String($0.dropFirst(4)) }.joined(separator: " ")
        }
        page.row("effective", names(sets.effective).origin(capabilities.place))
        if sets.permitted != sets.effective { page.row("permitted", names(sets.permitted)) }
        if sets.bounding != sets.effective { page.row("bounding", names(sets.bounding)) }
        if !sets.inheritable.isEmpty { page.row("inheritable", names(sets.inheritable)) }
        if !sets.ambient.isEmpty { page.row("ambient", names(sets.ambient)) }
        if isOwn("user") == true {
            page.note("They count for what its user namespace owns, and not for the host.")
        }
        let surprising = capabilities.reachable(noNewPrivileges: security.noNewPrivileges).names
            .compactMap { CapabilityWords.row($0) }.filter { $0.weight != .usual }
        if surprising.count == CapabilityWords.rows.filter({ $0.weight != .usual }).count {
            page.note("With all of them it may do everything that root may.")
        } else {
            for row in surprising { page.row(String(row.name.dropFirst(4)), row.allows) }
        }
        let lacking = capabilities.lacking
        if !lacking.isEmpty { page.note("What fails for want of a capability:") }
        for (program, missing) in lacking {
            let names = missing.map { String($0.dropFirst(4)) }.joined(separator: " ")
            page.row(program.name, "\(names): \(program.reason)")
        }
    }

    func addSeccomp(_ page: inout Page) {
        page.heading("System calls (seccomp)")
        switch seccomp.mode {
        case nil: return page.note("not known")
        case SeccompFacts.Mode.none?: return page.note("no filter: every call is allowed")
        case .strict?: return page.note("strict mode: read, write, exit and sigreturn alone")
        case .filter?: break
        }
        let number = seccomp.count.map { "\($0) filter\($0 == 1 ? "" : "s")" } ?? "a filter"
        guard let filters = seccomp.filters else {
            page.row("filter", number)
            return page.row("not read", seccomp.reason ?? "")
        }
        let source = seccomp.source ?? ""
        page.row("filter", "\(number), \(filters.instructionCount) instructions, \(source)")
        if let reason = seccomp.reason { page.row("not read", reason) }
        page.row("allowed", "\(seccomp.allowedCount) calls with any arguments")
        for decision in seccomp.conditional {
            page.row(decision.call.words, decision.words)
        }
        for (answer, calls) in seccomp.refused {
            page.row(answer.words, "\(calls.count): \(calls.joined(separator: " "))")
        }
    }

    /// The most mounts of a text.
    private static let mostLines = 200

    func addMounts(_ page: inout Page) {
        if shares("mount") {
            page.heading("Mounts")
            return page.note("\(mounts.all.count) mounts, those of the host")
        }
        page.heading("Mounts")
        for mount in mounts.all.prefix(Explanation.mostLines) {
            page.row(mount.point, mount.words, depth: mount.depth)
        }
        let more = mounts.all.count - Explanation.mostLines
        if more > 0 { page.note("and \(more) more, which --json has") }
        if mounts.isCut { page.note("There are more mounts than are looked at.") }
    }

    /// The mount that a path lies in, and why it is read-only or not.
    public func text(path: String, columns: Int) -> String {
        var page = Page(columns: columns)
        page.heading(path.printable(upTo: .longestName))
        guard let mount = mounts.around(path) else {
            page.note("No mount is known that it lies in.")
            return page.text
        }
        page.row("mount", "\(mount.point): \(mount.words)")
        page.row("options", mount.options.joined(separator: ","))
        page.row("written", mount.writingWords)
        return page.text
    }
}

extension FilterDecision {
    /// What leads to each answer; the one that takes most words is the last: `EPERM otherwise`.
    var words: String {
        let told = answers.map { ($0, conditions(of: $0, atMost: 64).joinedWords) }
            .sorted { $0.1.utf8.count < $1.1.utf8.count }
        return told.enumerated().map { index, part in
            index == told.count - 1 && index > 0
                ? "\(part.0.words) otherwise" : "\(part.0.words) if \(part.1)"
        }.joined(separator: "; ")
    }
}

extension [String] {
    /// Alternatives; those that differ in a value alone are one: `arg0 == 1, 2 or 10`.
    fileprivate var joinedWords: String {
        var values: [(name: String, values: [String])] = []
        var others: [String] = []
        for condition in self where !condition.isEmpty {
            let words = condition.split(separator: " ")
            guard words.count == 3, words[1] == "==" else {
                others.append(condition)
                continue
            }
            if let index = values.firstIndex(where: { $0.name == words[0] }) {
                values[index].values.append(String(words[2]))
            } else {
                values.append((String(words[0]), [String(words[2])]))
            }
        }
        let equal = values.map { name, values in
            let sorted = values.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
            guard let last = sorted.last, sorted.count > 1 else {
                return "\(name) == \(sorted.first ?? "")"
            }
            return "\(name) == \(sorted.dropLast().joined(separator: ", ")) or \(last)"
        }
        return (equal + others).joined(separator: ", or ")
    }
}

extension MountFacts.Mount {
    var words: String {
        var parts = [type]
        if root != "/" { parts.append("\(root) of \(source)") }
        if root == "/" && source != type && source != "none" && !source.isEmpty {
            parts.append(source)
        }
        if isHosts { parts.append("files of the host") }
        parts.append(isReadOnly || isReadOnlyFileSystem ? "read-only" : "writable")
        parts += options.filter { ["nosuid", "nodev", "noexec"].contains($0) }
        let shared = propagation.filter { $0.hasPrefix("shared") || $0.hasPrefix("master") }
        parts += shared
        return parts.joined(separator: ", ").origin(place)
    }

    /// Why, in a sentence.
    var writingWords: String {
        if isReadOnly {
            let why = reason.map { ": \($0)" } ?? ": the mount has the option ro"
            return "read-only\(why)".origin(place)
        }
        if isReadOnlyFileSystem {
            return "read-only: its file system is, for all of its mounts"
        }
        return "writable, as far as the mount decides; the rest is up to the mode of the file"
    }
}
