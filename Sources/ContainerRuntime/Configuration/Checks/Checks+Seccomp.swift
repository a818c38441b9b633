internal import OCISpec
internal import Seccomp

/// Requirements of the seccomp profile.
extension Checks {
    func seccomp() {
        if let name = spec.vfs?.seccomp, spec.linux?.seccomp != nil {
            diagnostics.error(
                "is a second profile beside linux.seccomp; remove one", at: name.offset)
        }
    }

    /// `vfs.landlock`
    func landlock() {
        guard let wanted = spec.vfs?.landlock, wanted.value else { return }
        // In the first version no file can be moved to another directory.
        if (host.landlockVersion ?? 0) < 2 {
            diagnostics.error(
                "this kernel has no Landlock, or not its second version: boot Linux 5.19 or later"
                    + " with landlock among the modules of lsm=, or remove the key",
                at: wanted.offset)
        }
        if spec.process?.noNewPrivileges?.value != true {
            diagnostics.error(
                "needs process.noNewPrivileges: a process without it may not confine itself",
                at: wanted.offset)
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
                "libseccomp \(SeccompCompiler.libraryVersion) does not know the system call"
                    + " \"\(name.value)\", and the default action allows it: it is not blocked;"
                    + " correct the name, or allow by name and deny by default", at: name.offset)
        }
        for number in [profile.defaultErrnoRet].compactMap({ $0 })
            + profile.syscalls.compactMap(\.errnoRet) where number.value > 4094
        {
            // libseccomp refuses the maximum of the kernel, 4095.
            diagnostics.error(
                "\(number.value) is not an errno; the maximum is 4094", at: number.offset)
        }
        let pairs =
            [(profile.defaultAction, profile.defaultErrnoRet)]
            + profile.syscalls.map { ($0.action, $0.errnoRet) }
        for case (let action?, let number?) in pairs
        where action.value != .errno && action.value != .trace {
            diagnostics.error(
                "\(action.value.rawValue) returns no errno; remove it, or use SCMP_ACT_ERRNO",
                at: number.offset)
        }
    }

    /// The init process makes system calls after the filter is installed and before the listener has
    /// its descriptor: these calls would wait for ever.
    private func notifications(_ profile: Spec.Seccomp, _ diagnostics: Diagnostics) {
        if let action = profile.defaultAction, action.value == .notify {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used as default action; list the system calls to notify about",
                at: action.offset)
        }
        let rules = profile.syscalls.filter { $0.action.value == .notify }
        for name in rules.flatMap(\.names) where name.value == "write" {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used for the write syscall, which the init process needs to"
                    + " hand over the listener; remove it", at: name.offset)
        }
        if let rule = rules.first, profile.listenerPath?.value.isEmpty ?? true {
            diagnostics.error(
                "seccomp listenerPath is not set; SCMP_ACT_NOTIFY needs the socket of a process that"
                    + " answers", at: rule.action.offset)
        }
    }
}
