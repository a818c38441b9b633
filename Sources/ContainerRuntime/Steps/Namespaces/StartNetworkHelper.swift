internal import LinuxSystem
internal import SystemPackage

/// `vfs.network` with `pasta` or `slirp4netns`
struct StartNetworkHelper: TurnStep {
    static let manual = StepManual(
        "start the network helper",
        what: """
            Starts pasta or slirp4netns, which makes an interface in the container's network \
            namespace and passes its packets on with the caller's rights. No port leads into the \
            container, and none to the host's loopback interface.
            """,
        why: """
            After the ids are mapped, while the files of the init process in /proc belong to its \
            user: the helper joins its namespaces by them. The init process waits until the \
            interface is configured. The watchdog knows the helper from its first moment.
            """,
        calls: "clone3, execve, poll, read")

    let helper: Configuration.NetworkHelper
    let hasUserNamespace: Bool
    /// Whether its user namespace knows a root.
    let hasRoot: Bool

    var summary: String { "start \(helper.path) for the container's network" }
    let undoing = "it is killed when the container has ended, also by the watchdog"

    /// In seconds.
    private static let patience: UInt64 = 20

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let program = helper.program(
            process.pid, userNamespace: hasUserNamespace, hasRoot: hasRoot)
        let started = try attempt(
            "clone3", "of \(helper.path)", try Companion(program, readyAt: helper.readyAt))
        context.networkHelper = started
        let isReady = try attempt(
            "poll", "of \(helper.path)",
            try started.awaitWord(
                until: Clock.deadline(seconds: StartNetworkHelper.patience), beside: process.pidfd))
        if isReady { return }
        let words = HookRunner.said(started.errors)
        throw Failure(
            "\(helper.path) has not made the network:"
                + " \(words.isEmpty ? "it says nothing" : words); \(advice)")
    }

    private var advice: String {
        "is /dev/net/tun there and open for this user, and has the host a route to other machines?"
    }
}
