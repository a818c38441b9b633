internal import LinuxSystem
internal import SystemPackage

/// HOME, where `process.env` has none or an empty one: what the container's passwd says, or `/`.
///
/// After the mounts, since passwd may be one; before the user changes, who may not be allowed to
/// read it, and before the filter, which may not allow it either.
struct FindHome: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "find the home directory",
            what: "Looks the user up in the container's /etc/passwd.",
            why: """
                Only where the environment has no HOME. After the mounts, since /etc/passwd may be \
                one. Before the user changes, who may not be allowed to read it.
                """,
            calls: "openat2, read")
    }

    let userID: UInt32

    var summary: String { "look up the home directory of user \(userID)" }

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        context.home = try stepping("read", "/etc/passwd of the container") { () throws(Errno) in
            try UserLookup.home(of: userID, in: root.directory)
        }
    }
}
