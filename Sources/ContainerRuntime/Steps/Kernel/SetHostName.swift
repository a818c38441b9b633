internal import LinuxSystem
internal import SystemPackage

/// `hostname`
struct SetHostName: ContainerStep {
    static let manual = StepManual(
        "set the host name",
        what: "Sets the host name of the new UTS namespace.",
        why: "Any time in that namespace, while the init process has CAP_SYS_ADMIN.",
        calls: "sethostname")

    let name: String

    var summary: String { "set the host name \(name)" }

    func shell(_ commands: inout ShellCommands) {
        commands.run("hostname --", .value(name))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("sethostname", on: name, try CurrentProcess.setHostName(name))
    }
}
