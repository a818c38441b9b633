internal import Cgroups
internal import LinuxSystem

/// The process is one of the container's: the limit is what it was.
struct TakeRoomBack: RuntimeStep {
    static let manual = StepManual(
        "set the limit of processes again",
        what:
            "Sets the limit of the control group to what it was, unless another exec needs the room.",
        why: """
            After the process that made the container process has ended, before the program runs. Also \
            when exec has failed.
            """,
        calls: "flock, read, write")

    let container: StoredContainer
    let controlGroup: ControlGroup

    let summary = "set the limit of processes in the control group to what it was"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let room = context.room.take() else { return }
        try container.giveBack(room, in: controlGroup)
    }
}
