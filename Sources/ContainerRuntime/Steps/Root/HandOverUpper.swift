internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The upper of a run that is thrown away is seen by the container alone: to look at it when the
/// container has ended, the runtime process holds it open. With that process it goes.
struct HandOverUpper: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "hand the upper over",
            what: """
                Sends a descriptor of the throw-away upper to the runtime process. The descriptor \
                keeps the tmpfs alive when the container has ended, until the changes are printed.
                """,
            why: """
                Only with --diff. After the overlay is mounted, and before exec closes every \
                descriptor: nobody outside of the container sees this upper otherwise.
                """,
            calls: "openat, sendmsg")
    }

    let summary = "hand the upper over for --diff"
    let undoing = "goes with the runtime process"

    func apply(_ context: ContainerContext) throws(StepError) {
        let upper = try context.openMountedUpper()
        guard let held = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        try stepping("sendmsg", "the upper") { () throws(Errno) in
            try held.channel.send(InitMessage.upper.encoded, passing: upper.borrowed)
        }
    }
}

extension StartContext {
    /// The upper of the overlay that is mounted, for reading.
    func openMountedUpper() throws(StepError) -> OwnedDescriptor {
        guard let upper = mountedUpper else {
            throw StepError("the plan has no upper at this point")
        }
        return try stepping("open", upper.path.inQuotes) { () throws(Errno) in
            try upper.borrowed.open(".", [.readOnly, .directory])
        }
    }
}
