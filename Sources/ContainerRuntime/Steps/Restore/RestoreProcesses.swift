internal import LinuxSystem
internal import SystemPackage

/// The processes of the container.
struct RestoreProcesses: TurnStep {
    static let manual = StepManual(
        "restore the processes",
        what: """
            criu makes all processes, mounts and descriptors of the container, and waits before it \
            lets the processes go on.
            """,
        why: "Before the container is recorded: until here nothing of it has run.",
        calls: "sendmsg, recvmsg")

    static let log = "restore.log"

    let summary = "have criu restore the processes"
    var needs: Provisions { [.conversation] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let conversation = try context.criu.given(.conversation)
        do throws(Failure) {
            try context.follow(try conversation.proceed(until: "pre-resume"))
        } catch {
            throw context.abandonCRIU(error)
        }
        context.restoredTerminal = conversation.takeTerminal()
    }
}
