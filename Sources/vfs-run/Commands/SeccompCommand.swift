internal import Explain
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run seccomp explain PROFILE [CALL [ARG…]]`, `vfs-run seccomp diff A B`
    static let seccomp = Command(
        name: "seccomp", summary: "say what a seccomp profile does, or compare two",
        operands: "explain|diff PROFILE [CALL|PROFILE] [ARG…]",
        details: [
            "PROFILE is \"default\", \"strict\", a file with a profile, or a config.json that has one."
                + " The profile is compiled, and the answers are those of the filter.",
            "explain lists every call by what becomes of it; with CALL, it tells the answer, the rule"
                + " with its line, and the entry that would allow it. ARG is a number, 0x…, a name as"
                + " AF_NETLINK or CLONE_NEWUSER, or ? for one that is not known.",
            "diff compares two profiles by what they do, with every argument, and not by their text."
                + " It exits with 1 if they differ. --json prints the same.",
        ],
        options: [.json, .width],
        run: { arguments throws(Failure) in
            let operands = arguments.operands
            switch operands[0] {
            case "explain": return try explain(arguments, Array(operands.dropFirst()))
            case "diff": return try difference(arguments, Array(operands.dropFirst()))
            default:
                throw Failure("seccomp: \(operands[0].inQuotes) is unknown; use explain or diff")
            }
        })

    private static func explain(
        _ arguments: ParsedArguments, _ words: [String]
    ) throws(Failure) -> CInt {
        let profile = try NamedProfile(words[0])
        let page = ProfilePage(profile.profile, try profile.stack) { profile.place($0) }
        let columns = try arguments.columns()
        guard words.count > 1 else {
            try Output.write(
                arguments.has(.json) ? page.json.prettyText : page.text(columns: columns))
            return 0
        }
        var values: [UInt64?] = []
        for word in words.dropFirst(2) {
            let value = CallArguments.value(word)
            if value == nil && word != "?" {
                throw Failure(
                    "seccomp: \(word.inQuotes) is no argument; use a number, 0x…, a name as"
                        + " AF_NETLINK, or ?")
            }
            values.append(value)
        }
        if values.count > 6 { throw Failure("seccomp: a system call has at most six arguments") }
        let text =
            arguments.has(.json)
            ? page.json(of: words[1], values)?.prettyText
            : page.text(of: words[1], values, columns: columns)
        guard let text else {
            throw Failure("seccomp: \(words[1].inQuotes) is no system call of this machine")
        }
        try Output.write(text)
        return 0
    }

    private static func difference(
        _ arguments: ParsedArguments, _ words: [String]
    ) throws(Failure) -> CInt {
        guard words.count == 2 else {
            throw Failure("seccomp diff compares two profiles; \(words.count) are named")
        }
        let one = try NamedProfile(words[0]).stack
        let page = ProfileDifferencePage(one, try NamedProfile(words[1]).stack)
        try Output.write(
            arguments.has(.json)
                ? page.json.prettyText
                : page.text((words[0], words[1]), columns: try arguments.columns()))
        return page.isEmpty ? 0 : 1
    }
}
