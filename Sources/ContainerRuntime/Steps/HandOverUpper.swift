internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The upper of a run that is thrown away is seen by the container alone: to look at it when the
/// container has ended, the runtime process holds it open. With that process it goes.
struct HandOverUpper: Step {
    /// That of the step that mounts the overlay.
    let side: Side
    let summary = "hand the upper over for --diff"
    let undoing = "goes with the runtime process"

    func apply(_ context: StartContext) throws(StepError) {
        guard let upper = context.mountedUpper else {
            throw StepError("the plan has no upper at this point")
        }
        let readable = try stepping("open", upper.path.inQuotes) { () throws(Errno) in
            try upper.borrowed.open(".", [.readOnly, .directory])
        }
        if side == .runtime {
            context.throwawayUpper = LayerDirectory(readable, layer: 0)
            return
        }
        guard let held = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        try stepping("sendmsg", upper.path.inQuotes) { () throws(Errno) in
            try held.channel.send(InitMessage.upper.encoded, passing: readable.borrowed)
        }
    }
}
