internal import LinuxSystem
internal import SystemPackage

/// `linux.seccomp`
struct InstallSeccomp: ContainerStep {
    static let manual = StepManual(
        "install the seccomp filter",
        what: "From here on every system call goes through the filter.",
        why: """
            Last before exec: the steps before need calls that a profile need not allow. Without \
            no_new_privs, before the change of user: installing a filter then takes \
            CAP_SYS_ADMIN, and the profile has to allow the calls of the steps in between.
            """,
        calls: "getrusage, seccomp, write")

    /// Whether what the start took is asked for.
    var measures = true

    let summary = "install the seccomp filter"
    var needs: Provisions { [.seccompFilter, .channel] }
    var gives: Provisions { [.listener] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let filter = try context.handover.seccompFilter.given(.seccompFilter)
        // The filter need not allow the question.
        if measures { context.usageBeforeFilter = ProcessUsage.ofThisProcess }
        let listener = try attempt("seccomp", "SECCOMP_SET_MODE_FILTER", try filter.install())
        guard let listener else { return }
        // Every call may now wait for an answer, and no agent listens yet: all that follows until
        // then is one write(2), which no profile may notify of. So the runtime process gets a number
        // and fetches the descriptor itself.
        let message = InitMessage.listener(descriptor: listener.borrowed.rawValue)
        let channel = try context.channel.given(.channel)
        if context.handover.sendsListener {
            // Of a process that is not dumpable an ordinary user may take none.
            try attempt(
                "sendmsg", "to the runtime process",
                try channel.channel.send(message.encoded, passing: listener.borrowed))
            context.listener = HeldDescriptor(listener)
            return
        }
        // Not closed before exec does: close(2) might be one of those calls.
        context.listener = HeldDescriptor(listener)
        try attempt(
            "write", "to the runtime process",
            try channel.channel.borrowed.write(all: message.encoded))
    }
}
