internal import LinuxSystem
internal import SystemPackage

/// `vfs.init`
struct PrepareInit: RuntimeStep {
    static let manual = StepManual(
        "prepare the init's report",
        what: """
            Opens the pair of sockets on which the init of the pid namespace will tell how the \
            program has ended.
            """,
        why: """
            Only with vfs.init. Before the init process is made: it inherits its end, the only \
            descriptor that the init keeps.
            """,
        calls: "socketpair")

    let summary = "prepare the report of the init"
    var gives: Provisions { [.report] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let pair = try attempt("socketpair", try Channel.Pair())
        pair.take { near, far in
            context.report = InitReport(near)
            context.handover.report = HeldChannel(far)
        }
    }
}
