internal import OCISpec
internal import Seccomp

/// Requirements of the seccomp profile.
extension Checks {
    func seccomp() {
        if let name = spec.vfs?.seccomp, spec.linux?.seccomp != nil {
            diagnostics.error(
                "names a second profile beside linux.seccomp; keep one of them", at: name.offset)
        }
    }

    /// The file of `vfs.seccomp`.
    func seccompFile() {
        guard let name = spec.vfs?.seccomp, case .failure(let error) = host.seccompProfile else {
            return
        }
        diagnostics.error("the seccomp profile cannot be read: \(error)", at: name.offset)
    }

    /// The profile, which may be a document of its own.
    func seccompProfile() {
        guard let profile = seccompReading.profile else { return }
        let diagnostics = seccompReading.diagnostics
        notifications(profile, diagnostics)
        for name in SeccompCompiler.unblocked(profile) {
            diagnostics.warning(
                "libseccomp \(SeccompCompiler.libraryVersion) knows no system call"
                    + " \"\(name.value)\", and the default action lets it through: it is not blocked;"
                    + " correct the name, or allow by name and deny by default", at: name.offset)
        }
        for number in [profile.defaultErrnoRet].compactMap({ $0 })
            + profile.syscalls.compactMap(\.errnoRet) where number.value > 4094
        {
            // libseccomp refuses the kernel's highest, 4095.
            diagnostics.error(
                "\(number.value) is not an errno; they go up to 4094", at: number.offset)
        }
        let pairs =
            [(profile.defaultAction, profile.defaultErrnoRet)]
            + profile.syscalls.map { ($0.action, $0.errnoRet) }
        for case (let action?, let number?) in pairs
        where action.value != .errno && action.value != .trace {
            diagnostics.error(
                "\(action.value.rawValue) gives no errno; remove it, or use SCMP_ACT_ERRNO",
                at: number.offset)
        }
    }

    /// The process itself makes calls between the filter's installation and the moment somebody
    /// listens: these cannot wait for an answer.
    private func notifications(_ profile: Spec.Seccomp, _ diagnostics: Diagnostics) {
        if let action = profile.defaultAction, action.value == .notify {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used as default action; name the calls that it is for",
                at: action.offset)
        }
        let rules = profile.syscalls.filter { $0.action.value == .notify }
        for name in rules.flatMap(\.names) where name.value == "write" {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used for the write syscall, by which the listener is"
                    + " handed over; leave it out", at: name.offset)
        }
        if let rule = rules.first, profile.listenerPath?.value.isEmpty ?? true {
            diagnostics.error(
                "seccomp listenerPath is not set, and SCMP_ACT_NOTIFY needs somebody who listens"
                    + " there", at: rule.action.offset)
        }
    }
}
