internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run kill ID [SIGNAL]`
    static let kill = Command(
        name: "kill", summary: "send a signal to the first process of a container",
        operands: "ID [SIGNAL]",
        details: [
            "SIGNAL is a name, with or without SIG, or a number; TERM by default."
        ],
        options: [
            Option(
                long: "all", short: "a", value: nil,
                help: "to all its processes; no error when none is left"),
            .regex,
        ],
        run: on(1...2) { arguments throws(RuntimeError) in
            let word = arguments.operands.count > 1 ? arguments.operands[1] : "TERM"
            guard let signal = word == "0" ? 0 : Signal.number(word) else {
                throw RuntimeError("unknown signal \"\(word)\"; a name as TERM, or a number")
            }
            for container in try arguments.containers() {
                try container.kill(signal, all: arguments.has("all"))
            }
            return 0
        })
}
