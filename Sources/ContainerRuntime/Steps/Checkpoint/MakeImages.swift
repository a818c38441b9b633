internal import LinuxSystem

/// `checkpoint --image-path`, `--work-path`
struct MakeImages: RuntimeStep {
    static let manual = StepManual(
        "make the directory of the images",
        what: """
            Makes the directories of the images and of CRIU's log where they are missing, and \
            verifies that no other user can write to them.
            """,
        why: """
            Before CRIU writes to them: it follows links there, and what the images say is \
            carried out as root.
            """,
        calls: "mkdir, openat, fstat")

    let options: CheckpointOptions

    var summary: String { "open the directory of the images, \(options.imagePath)" }
    let undoing = "the directory stays"
    var gives: Provisions { [.images] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.images = try CheckpointImages.make(options)
    }
}
