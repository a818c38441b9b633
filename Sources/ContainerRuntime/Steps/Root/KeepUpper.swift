internal import Layers
internal import LinuxSystem

/// `--diff`, `--collect`, where the runtime process has mounted the overlay.
struct KeepUpper: RuntimeStep {
    static let manual = StepManual(
        "keep the upper",
        what: """
            The runtime process keeps a descriptor of the throw-away upper, which keeps the tmpfs \
            alive when the container has ended, until the changes are printed, files are \
            collected, or the figures are read.
            """,
        why: """
            Only with --diff or --collect, and with --report where the upper has a size; after \
            the runtime process has had the overlay mounted.
            """,
        calls: "openat")

    /// The number of a copy-on-write tree; nil for the root.
    var tree: Int?

    var summary: String {
        "keep the upper" + (tree.map { " of tree \($0)" } ?? "") + " for what follows the run"
    }
    var needs: Provisions { [.mountedUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let mounted = tree.map { context.mountedTrees[$0] } ?? context.mountedUpper
        let upper = try mounted.given(.mountedUpper).openForReading()
        context.keep(LayerDirectory(upper, layer: 0), of: tree)
    }
}
