internal import JSON
internal import LinuxSystem

extension Command {
    /// `vfs-run lint config.json`
    static let lint = Command(
        name: "lint", summary: "check a config.json, and advise against unsafe settings",
        operands: "CONFIG.json",
        details: [
            "Runs the checks of a start, without a start, and adds advice on settings that the"
                + " specification allows but that weaken the isolation. Each finding has its line,"
                + " the reason, and a fix. Needs no privileges and changes nothing.",
            "Exits with 1 if there are errors, and with 0 otherwise. --json prints an array of"
                + " {\"severity\": error, warning or note, \"rule\": the name of the advice or null,"
                + " \"file\", \"line\", \"column\", \"path\", \"message\"}.",
        ],
        options: [.json],
        run: { arguments throws(Failure) in
            let named = try NamedConfig(arguments)
            let report = LintReport(named)
            try Output.write(arguments.has(.json) ? report.json.prettyText : report.text)
            return report.hasErrors ? 1 : 0
        })
}
