internal import Layers
internal import LinuxSystem

/// `--diff`, where the runtime process has mounted the overlay.
struct KeepUpper: RuntimeStep {
    static let manual = StepManual(
        "keep the upper",
        what: """
            The runtime process keeps a descriptor of the throw-away upper, which keeps the tmpfs \
            alive when the container has ended, until the changes are printed, or the figures are read.
            """,
        why:
            "Only with --diff, and with --report where the upper has a size; after the runtime process has had the overlay mounted.",
        calls: "openat")

    let summary = "keep the upper for what follows the run"
    var needs: Provisions { [.mountedUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let upper = try context.mountedUpper.given(.mountedUpper)
        context.throwawayUpper = LayerDirectory(try upper.openForReading(), layer: 0)
    }
}
