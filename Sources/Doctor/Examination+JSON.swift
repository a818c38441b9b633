public import JSON
internal import LinuxSystem

extension Examination {
    /// For programs: keys stay as they are.
    public var json: JSONOutput {
        .object([
            ("works", .bool(canRun)), ("user", .integer(Int64(user))),
            ("privileged", .bool(isPrivileged)),
            (
                "kernel",
                .string(KernelSetting.text("/proc/sys/kernel/osrelease") ?? "unknown")
            ),
            ("directory", .string(directory)),
            ("probes", .array(rows.map(\.json))),
        ])
    }
}

extension Examination.Row {
    fileprivate var json: JSONOutput {
        .object([
            ("key", .string(key)), ("group", .string(group)), ("tried", .string(title)),
            ("for", .string(purpose)), ("needed", .bool(isNeeded)),
            ("verdict", .string(finding.verdict.rawValue)), ("said", .string(finding.said)),
            ("mend", finding.verdict == .lacks ? finding.remedy.json : .null),
            ("facts", .object(finding.facts)),
        ])
    }
}

extension String? {
    fileprivate var json: JSONOutput { map(JSONOutput.string) ?? .null }
}
