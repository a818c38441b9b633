public import LinuxSystem

/// `--env` and `--full-env` of isolate(1): the program gets the variables that are named, and no
/// others.
public enum EnvironmentRules {
    /// - Parameters:
    ///   - rules: `NAME=VALUE`; `NAME=` takes the variable away; `NAME` alone has the caller's value.
    ///   - caller: The caller's variables, `NAME=VALUE` each.
    ///   - passesAll: Whether the program gets those of the caller first.
    public static func variables(
        _ rules: [String], of caller: [String], passesAll: Bool
    ) throws(Failure) -> [String] {
        var found = passesAll ? caller : []
        // The C library writes to standard error, and not to a terminal, why it ends a program.
        for rule in ["LIBC_FATAL_STDERR_=1"] + rules {
            let name = rule.prefix { $0 != "=" }
            if name.isEmpty {
                throw Failure("--env: \(rule.inQuotes) is not NAME=VALUE or the name of a variable")
            }
            let start = name + "="
            found.removeAll { $0.hasPrefix(start) }
            if name.utf8.count == rule.utf8.count {
                if let own = caller.first(where: { $0.hasPrefix(start) }) { found.append(own) }
            } else if rule.utf8.count > start.utf8.count {
                found.append(rule)
            }
        }
        return found
    }
}
