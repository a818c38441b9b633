internal import LinuxSystem
internal import Seccomp

/// `--seccomp-explain`, `--seccomp-record`
struct NotifyOfCalls: RuntimeStep {
    static let manual = StepManual(
        "have the filter notify",
        what: """
            Puts notifications (SECCOMP_RET_USER_NOTIF) in the place of the filter's errors, of its \
            permissions, or of both. The runtime process answers each with what the profile says: \
            the same error, or the permission to go on. A call that the profile refuses stays \
            refused, and one that kills still kills.
            """,
        why: """
            Behind the compiled filter, which is changed, and before the init process gets it. When \
            that one has installed it, it sends the listener by a call that is not notified of.
            """,
        calls: "seccomp, ioctl")

    let notices: SeccompNotices

    var summary: String {
        switch notices {
        case .refused: "have the filter notify of the calls that it refuses"
        case .allowed: "have the filter notify of the calls that it allows"
        default: "have the filter notify of all calls"
        }
    }
    var needs: Provisions { [.seccompFilter] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let filter = try context.handover.seccompFilter.given(.seccompFilter)
        let notifying = try NoticeFilter(
            filter, refused: notices.contains(.refused), allowed: notices.contains(.allowed),
            // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
            waitsKilled: SeccompFilter.kernelTakes(flags: 32))
        context.handover.seccompFilter = notifying.filter
        context.handover.sendsListener = notifying.allowsSending
        context.notices = CallNotices(notifying.decisions, notices)
    }
}
