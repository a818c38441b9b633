internal import LinuxSystem

/// What is left of the container is read under its lock.
struct FindRemains: RuntimeStep {
    static let manual = StepManual(
        "find the remains",
        what: """
            Reads the container's state, and verifies that the groups it names are control groups \
            and groups of resctrl.
            """,
        why:
            "Under the lock: another command may have changed it. Before anything that it names is killed or removed.",
        calls: "openat, read, fstatfs")

    /// Whether a state that cannot be understood is removed too.
    let takesDamaged: Bool

    let summary = "read what the container has left"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let container = context.container else { return }
        do throws(Failure) {
            context.state = try container.state()
        } catch {
            if !takesDamaged || error.kind != .damaged { throw error }
            // The groups that it was to have are written down beside it.
            context.announcedGroups = try container.announcedGroups
        }
        if let groups = context.announcedGroups ?? context.state?.groups {
            try groups.requireGenuine(container.id)
        } else {
            try container.announcedGroups.requireGenuine(container.id)
        }
        context.owesPoststop = context.state != nil
    }
}
