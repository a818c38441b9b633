internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `--diff`: the container alone sees an upper that is thrown away.
struct HandOverUpper: ContainerStep {
    static let manual = StepManual(
        "hand the upper over",
        what: """
            Sends a descriptor of the throw-away upper to the runtime process. The descriptor \
            keeps the tmpfs alive when the container has ended, until the changes are printed, or the figures are read.
            """,
        why: """
            Only with --diff, and with --report where the upper has a size. After the overlay is mounted, and before exec closes every \
            descriptor: no process outside of the container can reach this upper otherwise.
            """,
        calls: "openat, sendmsg")

    let summary = "hand the upper over for what follows the run"
    let undoing = "goes with the runtime process"
    var needs: Provisions { [.mountedUpper, .channel] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let upper = try context.mountedUpper.given(.mountedUpper).openForReading()
        let held = try context.channel.given(.channel)
        try attempt(
            "sendmsg", "the upper",
            try held.channel.send(InitMessage.upper.encoded, passing: upper.borrowed))
    }
}
