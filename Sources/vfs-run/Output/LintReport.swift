internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec

/// All findings about a config.json.
struct LintReport {
    private let file: String
    /// Those of the checks, then advice, each in the order of the document; advice has a rule.
    private let findings: [(rule: String?, diagnostic: Diagnostic)]

    init(_ named: NamedConfig) {
        file = named.file
        let checked: [Diagnostic]
        do {
            checked = try ConfigurationBuilder.build(
                named.document, file: named.file, bundle: named.bundle, named.invocation
            ).warnings
        } catch {
            checked = error.diagnostics
        }
        let advice = Advice.findings(named.document, file: named.file)
        // Errors come first: advice about wrong settings can be misleading.
        findings =
            checked.map { (nil, $0) } + advice.map { ($0.rule, $0.diagnostic) }
    }

    private func count(_ severity: Diagnostic.Severity) -> Int {
        findings.count { $0.diagnostic.severity == severity }
    }

    var hasErrors: Bool { count(.error) > 0 }

    var text: String {
        let lines = findings.map { rule, diagnostic in
            diagnostic.text.printable(upTo: .longestMessage) + (rule.map { " [\($0)]" } ?? "")
                + "\n"
        }
        let (errors, warnings) = (count(.error), count(.warning))
        let summary =
            errors + warnings == 0
            ? "no errors, no warnings"
            : "\(errors) error\(errors == 1 ? "" : "s"),"
                + " \(warnings) warning\(warnings == 1 ? "" : "s")"
        return lines.joined() + "\(file): \(summary)\n"
    }

    var json: JSONOutput {
        .array(
            findings.map { rule, diagnostic in
                [
                    "severity": .string(diagnostic.severity.word),
                    "rule": rule.map(JSONOutput.string) ?? .null,
                    "file": .string(diagnostic.file),
                    "line": .integer(Int64(diagnostic.position.line)),
                    "column": .integer(Int64(diagnostic.position.column)),
                    "path": .string(diagnostic.path),
                    "message": .string(diagnostic.message),
                ]
            })
    }
}

extension Diagnostic.Severity {
    fileprivate var word: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .note: "note"
        }
    }
}
