internal import LinuxSystem

/// Where the program says that it is ready, for a container that was created to have that.
struct BindReadiness: RuntimeStep {
    static let manual = StepManual(
        "listen for readiness",
        what: "Binds the socket that the container finds at /run/notify/notify.sock.",
        why: "Before the program runs, which may be ready at once.",
        calls: "openat, unlinkat, socket, bind")

    /// The caller's `NOTIFY_SOCKET`.
    let host: String

    let summary = "listen for the program's readiness"
    let undoing = "the directory goes with the container"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.readiness = try context.container.given(.container).bindReadiness(host)
    }
}
