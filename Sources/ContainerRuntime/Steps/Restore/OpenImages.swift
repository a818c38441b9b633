internal import LinuxSystem

/// `restore --image-path`, `--work-path`
struct OpenImages: RuntimeStep {
    static let manual = StepManual(
        "open the images",
        what: """
            Opens the directory of the images, and verifies that every file in it belongs to this \
            user and that no other user can write to it.
            """,
        why: """
            First, before anything is made: what the images say is carried out as root. Through \
            the open directory CRIU finds no other one.
            """,
        calls: "openat, fstat, getdents64, newfstatat, read")

    let options: CheckpointOptions
    /// Whether the root is an overlay whose upper is thrown away.
    let hasUpper: Bool

    var summary: String { "open the images in \(options.imagePath)" }
    var gives: Provisions { [.images] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let images = try CheckpointImages.open(options)
        context.images = images
        if hasUpper { context.handover.savedUpper = try images.openUpper(nil) }
    }
}
