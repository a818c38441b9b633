internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.cgroupsPath`, `linux.resources`
struct EnterControlGroup: ContainerStep {
    static let manual = StepManual(
        "enter the control group",
        what: """
            The init process writes its own number into the cgroup, unless clone3 has made it \
            there.
            """,
        why: """
            Before it makes anything, which would not be counted. With a user namespace before its ids \
            are mapped: until then it has the caller's id, to which the cgroup belongs. A process that \
            moves itself in version 1 waits for no other; a process that is moved waits until none of \
            the machine forks, for milliseconds. A namespace of cgroups has its root where the process \
            is that makes or joins it.
            """,
        calls: "write")

    /// Whether there may be none.
    var isOptional = false

    let summary = "enter the control group"
    let undoing = "goes with the process"
    var needs: Provisions { [.controlGroup] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("enter_group 0")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        // 0 is the process that writes it.
        try context.handover.enterControlGroup(process: 0, isOptional: isOptional)
    }
}
