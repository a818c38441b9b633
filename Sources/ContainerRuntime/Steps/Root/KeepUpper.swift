internal import Layers
internal import LinuxSystem

/// `--diff`, `--collect`, where the runtime process has mounted the overlay.
struct KeepUpper: RuntimeStep {
    static let manual = StepManual(
        "keep the upper",
        what: """
            The runtime process keeps a descriptor of the throw-away upper, which keeps the tmpfs \
            alive when the container has ended, until the changes are printed or files are collected.
            """,
        why:
            "Only with --diff or --collect, after the runtime process has had the overlay mounted.",
        calls: "openat")

    /// The number of a copy-on-write tree; nil for the root.
    var tree: Int?

    var summary: String { tree.map { "keep the upper of tree \($0)" } ?? "keep the upper" }
    var needs: Provisions { [.mountedUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let mounted = tree.map { context.mountedTrees[$0] } ?? context.mountedUpper
        let upper = try mounted.given(.mountedUpper).openForReading()
        context.keep(LayerDirectory(upper, layer: 0), of: tree)
    }
}
