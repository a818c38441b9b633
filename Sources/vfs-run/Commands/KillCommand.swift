internal import ContainerRuntime
internal import LinuxSystem

extension Option {
    fileprivate static let all = Option(
        "all", short: "a", "send it to all processes of the container; no error if none is left")
}

extension Command {
    /// `vfs-run kill ID [SIGNAL]`
    static let kill = Command(
        name: "kill", summary: "send a signal to the container process", operands: "ID [SIGNAL]",
        details: ["SIGNAL is a name, with or without SIG, or a number; default: TERM."],
        options: [.all, .regex], isOfContainers: true,
        run: { arguments throws(Failure) in
            let word = arguments.operands.count > 1 ? arguments.operands[1] : "TERM"
            guard let signal = word == "0" ? 0 : Signal.number(word) else {
                throw Failure(
                    "unknown signal \"\(word)\"; use a name such as TERM, or a number")
            }
            for container in try arguments.containers() {
                try container.kill(signal, all: arguments.has(.all))
            }
            return 0
        })
}
