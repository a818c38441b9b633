internal import JSON

extension Command {
    /// `vfs-run lint config.json`
    static let lint = Command(
        name: "lint", summary: "tell what is wrong with a config.json, and what is unwise",
        operands: "CONFIG.json",
        details: [
            "Makes the checks that a start makes, without starting, and tells besides what the"
                + " specification allows and better is not done: each with its line, the reason, and"
                + " what to do. Needs no privilege and touches nothing.",
            "Exits with 1 when there are errors, with 0 when there is nothing or only warnings."
                + " --json prints an array of {\"severity\": error, warning or note, \"rule\": the name"
                + " of a piece of advice or null, \"file\", \"line\", \"column\", \"path\", \"message\"}.",
        ],
        options: [.json],
        run: { arguments throws(CommandError) in
            if arguments.operands.count > 1 { _ = try arguments.requireOperands(1...1) }
            let named = try NamedConfig(arguments)
            let report = LintReport(named)
            try Output.write(arguments.has("json") ? report.json.prettyText : report.text)
            return report.hasErrors ? 1 : 0
        })
}
