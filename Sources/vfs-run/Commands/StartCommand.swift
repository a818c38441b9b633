internal import ContainerRuntime

extension Command {
    /// `vfs-run start ID`
    static let start = Command(
        name: "start", summary: "execute the program of a created container", operands: "ID",
        details: [
            "Returns when the program runs, with an error when it cannot be executed. With"
                + " NOTIFY_SOCKET in the environment of create and here it returns when the program"
                + " has said that it is ready, or has ended (sd_notify(3))."
        ],
        options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().start(
                notifySocket: notifySocket, warn: arguments.globals.log.warning)
            return 0
        })
}
