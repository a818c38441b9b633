internal import LinuxSystem
internal import SystemPackage

struct EndNetworkHelper: RuntimeStep {
    static let manual = StepManual(
        "end the network helper",
        what: "Kills pasta or slirp4netns, and waits for it.",
        why: "When the container has ended. Before the watchdog ends, which would kill it too.",
        calls: "pidfd_send_signal, waitid")

    let summary = "end the network helper"
    let undoing = "nothing is left"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let helper = context.networkHelper else { return }
        context.networkHelper = nil
        do throws(Errno) {
            try helper.end()
        } catch .noChildProcess, .noSuchProcess {
            // It has ended, and was waited for with other children.
        } catch {
            throw Failure("pidfd_send_signal", "of the network helper", error)
        }
    }
}
