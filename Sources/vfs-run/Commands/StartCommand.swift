internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

extension Command {
    /// `vfs-run start ID`
    static let start = Command(
        name: "start", summary: "execute the program of a created container", operands: "ID",
        details: [
            "Returns once the program is executed, with an error if that fails. With NOTIFY_SOCKET"
                + " in the environment of both create and start, it returns once the program has"
                + " reported that it is ready or has ended (sd_notify(3))."
        ],
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let plan = try arguments.container().startPlan(notifySocket: notifySocket)
            try Supervisor.carryOut(plan, warn: arguments.globals.log.warning)
            return 0
        })
}
