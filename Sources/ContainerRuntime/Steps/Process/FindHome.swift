internal import LinuxSystem
internal import SystemPackage

/// HOME, where `process.env` has none or an empty one: the user's in the container's passwd, or
/// `/`.
struct FindHome: ContainerStep {
    static let manual = StepManual(
        "find the home directory",
        what: "Looks the user up in the container's /etc/passwd.",
        why: """
            Only where the environment has no HOME. After the mounts, since /etc/passwd may be \
            one. Before the change of user, who may not be allowed to read it.
            """,
        calls: "openat2, read")

    let userID: UInt32

    var summary: String { "look up the home directory of user \(userID)" }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run(
            "home=$(awk -F:", .value("$3 == \(userID) { print $6; exit }"),
            "\"$root/etc/passwd\" 2> /dev/null || :)")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.root.given(.root)
        context.home = try attempt(
            "read", "/etc/passwd of the container",
            try UserLookup.home(of: userID, in: root.directory))
    }
}
