internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `--diff`, `--collect`: the container alone sees an upper that is thrown away.
struct HandOverUpper: ContainerStep {
    static let manual = StepManual(
        "hand the upper over",
        what: """
            Sends a descriptor of the throw-away upper to the runtime process. The descriptor \
            keeps the tmpfs alive when the container has ended, until the changes are printed, \
            files are collected, or the figures are read.
            """,
        why: """
            Only with --diff or --collect, and with --report where the upper has a size. After the \
            overlay is mounted, and before exec closes every \
            descriptor: no process outside of the container can reach this upper otherwise.
            """,
        calls: "openat, sendmsg")

    /// The number of a copy-on-write tree; nil for the root.
    var tree: Int?

    var summary: String {
        "hand the upper" + (tree.map { " of tree \($0)" } ?? "") + " over for what follows the run"
    }
    let undoing = "goes with the runtime process"
    var needs: Provisions { [.mountedUpper, .channel] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let mounted = tree.map { context.mountedTrees[$0] } ?? context.mountedUpper
        let upper = try mounted.given(.mountedUpper).openForReading()
        let held = try context.channel.given(.channel)
        try attempt(
            "sendmsg", "the upper",
            try held.channel.send(
                InitMessage.upper(tree: tree).encoded, passing: upper.borrowed))
    }
}
