internal import OCISpec

/// What must hold of `hooks`.
extension Checks {
    static func hooks(_ spec: Spec, _ diagnostics: Diagnostics) {
        for hook in spec.hooks?.all ?? [] {
            if !hook.path.value.hasPrefix("/") {
                diagnostics.error(
                    "\"\(hook.path.value)\" is not an absolute path", at: hook.path.offset)
            }
            if let timeout = hook.timeout, timeout.value <= 0 {
                diagnostics.error(
                    "\(timeout.value) is not a number of seconds above 0; leave it out for no"
                        + " limit", at: timeout.offset)
            }
            refuseWrongVariables(hook.env, diagnostics)
        }
    }
}
