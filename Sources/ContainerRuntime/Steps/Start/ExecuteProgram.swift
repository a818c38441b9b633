internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The init process, which waits, executes the program: whatever it says until then goes through
/// exec.fifo, and the fifo's end is the program's start.
struct ExecuteProgram: RuntimeStep {
    static let manual = StepManual(
        "have the program executed",
        what: """
            Opens exec.fifo, which the init process waits for, reads what it says until it has \
            become the program or has ended, and removes the fifo.
            """,
        why: "The start itself. The startContainer hooks run in the init process meanwhile.",
        calls: "openat, poll, read, unlinkat")

    let summary = "have the init process execute the program"
    let undoing = "goes with the container"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        let state = try context.state.given(.container)
        let words = try container.openGate(state)
        guard words.starts(with: AwaitStart.opened) else {
            throw Failure("cannot start a container that has stopped: its init process has died")
        }
        // The program runs: nobody can wait for its start any more.
        try? container.directory.borrowed.remove(ContainerStore.fifoName)
        let rest = words.dropFirst(AwaitStart.opened.count)
        let executing = InitMessage.executing(nil).encoded
        let message = rest.starts(with: executing) ? rest.dropFirst(executing.count) : rest
        if message.isEmpty {
            if try container.hasStarted(state) ?? !rest.isEmpty { return }
            try container.end(state)
            throw Failure(ExecuteProgram.sentence(state))
        }
        // It is ending by itself: the next `state` finds it stopped.
        try container.end(state)
        guard case .failed(_, let failure) = InitMessage(message) else {
            throw Failure("the init process sent an unknown message")
        }
        // As the specification has it of a container whose startContainer hook fails.
        context.endsContainer = failure.message.has(HookRunner.failure(of: .startContainer))
        throw failure
    }

    private static func sentence(_ state: ContainerState) -> String {
        if state.groups.controlGroup.outOfMemoryKills > 0 {
            return "the kernel killed the init process before the program started:"
                + " \(ControlGroup.outOfMemory)"
        }
        return "the init process was killed before the program started: by the seccomp profile,"
            + " by a process of the host, or by the kernel when the host had no memory"
            + " left, which the kernel's log (dmesg) says"
    }
}
