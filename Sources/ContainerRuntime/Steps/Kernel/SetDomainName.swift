internal import LinuxSystem
internal import SystemPackage

/// `domainname`
struct SetDomainName: ContainerStep {
    static let manual = StepManual(
        "set the domain name",
        what: "Sets the NIS domain name of the new UTS namespace.",
        why: "Any time in that namespace, while the init process has CAP_SYS_ADMIN.",
        calls: "setdomainname")

    let name: String

    var summary: String { "set the domain name \(name)" }

    func shell(_ commands: inout ShellCommands) {
        commands.run("domainname --", .value(name))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("setdomainname", on: name, try CurrentProcess.setDomainName(name))
    }
}
