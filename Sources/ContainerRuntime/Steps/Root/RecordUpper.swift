internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The layers that the upper is written over, for commands that look at it later.
struct RecordUpper: RuntimeStep {
    static let manual = StepManual(
        "record the layers of the upper",
        what: "Writes the layers and the options of the overlay into a file beside the upper.",
        why: """
            After the overlay is mounted: a start that the kernel refuses leaves the record as it \
            was. Before a program can write to the upper.
            """,
        calls: "openat, write, rename")

    /// Holds `upper` and `work`.
    let directory: String
    let record: KeptUpper.Record

    var summary: String { "record the layers of the upper in \(directory)" }
    let undoing = "the file stays, as the upper does"
    var needs: Provisions { [.keptUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let upper = try (context.keptUppers?[directory]).given(.keptUpper)
        try upper.write(record)
    }
}
