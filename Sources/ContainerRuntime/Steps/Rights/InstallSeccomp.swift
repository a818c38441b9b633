internal import LinuxSystem
internal import SystemPackage

/// Last before exec, or as late as the privileges allow: from here on every system call goes
/// through the filter.
struct InstallSeccomp: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "install the seccomp filter",
            what: "From here on every system call goes through the filter.",
            why: """
                Last before exec: the steps before need calls that a profile need not allow. Without \
                no_new_privs, before the user changes: installing a filter then takes CAP_SYS_ADMIN, \
                and the profile has to allow the calls of the steps in between.
                """,
            calls: "seccomp, write")
    }

    let summary = "install the seccomp filter"

    func apply(_ context: StartContext) throws(StepError) {
        guard let filter = context.seccompFilter else {
            throw StepError("the plan has not prepared a seccomp filter")
        }
        let listener = try stepping("seccomp", "SECCOMP_SET_MODE_FILTER") { () throws(Errno) in
            try filter.install()
        }
        guard let listener else { return }
        // Every call may now wait for an answer, and nobody is there yet who could give it: all
        // that follows until somebody listens is one write(2), which no profile may notify of. So
        // the runtime gets a number and fetches the descriptor itself.
        let message = InitMessage.listener(descriptor: listener.borrowed.rawValue)
        // Not closed before exec does: close(2) might be one of those calls.
        context.listener = HeldDescriptor(listener)
        guard let channel = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        try stepping("write", "to the runtime process") { () throws(Errno) in
            try channel.channel.borrowed.write(all: message.encoded)
        }
    }
}
