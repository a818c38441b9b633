internal import LinuxSystem
internal import SystemPackage

/// CRIU comes to its end.
struct FinishDump: RuntimeStep {
    static let manual = StepManual(
        "finish the dump",
        what: """
            criu kills the processes, or lets them go on with --leave-running or --pre-dump, and \
            ends. With --lazy-pages it hands out their memory before.
            """,
        why: "After all that belongs to the moment of the checkpoint is written.",
        calls: "sendmsg, recvmsg, waitid")

    let isPreDump: Bool

    let summary = "have criu finish the dump"
    let undoing = "nothing: the images stay"
    var needs: Provisions { [.conversation] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        do throws(Failure) {
            if !isPreDump { try context.criu.given(.conversation).proceed(until: nil) }
            context.criu.take()?.end()
            try context.criuProcess.take()?.wait()
        } catch {
            throw context.abandonCRIU(error)
        }
    }
}
