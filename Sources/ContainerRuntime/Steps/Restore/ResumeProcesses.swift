internal import LinuxSystem
internal import SystemPackage

/// The container goes on.
struct ResumeProcesses: TurnStep {
    static let manual = StepManual(
        "resume the processes",
        what: "criu lets the restored processes go on, and ends.",
        why: "When the container is recorded, so that other commands find it.",
        calls: "sendmsg, recvmsg")

    let summary = "have criu let the processes go on"
    let undoing = "nothing: the container runs"
    var needs: Provisions { [.conversation] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        do throws(Failure) {
            try context.criu.given(.conversation).proceed(until: nil)
        } catch {
            throw context.abandonCRIU(error)
        }
        context.criu.take()?.end()
    }
}
