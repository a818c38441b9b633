internal import OCISpec

/// Requirements of `hooks`.
extension Checks {
    func hooks() {
        for hook in spec.hooks?.all ?? [] {
            if !hook.path.value.hasPrefix("/") {
                diagnostics.error(
                    "\"\(hook.path.value)\" is not an absolute path", at: hook.path.offset)
            }
            if let timeout = hook.timeout, timeout.value <= 0 {
                diagnostics.error(
                    "\(timeout.value) is not a positive number of seconds; remove it for no limit",
                    at: timeout.offset)
            }
            refuseWrongVariables(hook.env)
        }
    }
}
