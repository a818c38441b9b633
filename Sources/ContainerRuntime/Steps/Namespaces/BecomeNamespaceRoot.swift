internal import LinuxSystem
internal import SystemPackage

/// The init process becomes the first of its user namespace's ids: with an id that is not mapped
/// it could make no file.
struct BecomeNamespaceRoot: ContainerStep {
    static let manual = StepManual(
        "become root of the user namespace",
        what: "The init process changes to ids that are mapped, and becomes not dumpable.",
        why: """
            After the ids are mapped, before anything is made: files are made by a mapped id. Not \
            dumpable only from here on: before, its files in /proc would belong to root, and the \
            mappings could not be written without root.
            """,
        calls: "setresgid, setresuid, prctl")

    /// Nil for the namespace of a container that exists, whose root may not be mapped.
    let user: UInt32?
    let group: UInt32?

    init(user: UInt32?, group: UInt32?) {
        self.user = user
        self.group = group
    }

    /// Root, where it is mapped; otherwise the program's user.
    init(mapped mappings: IDMappings?, _ process: Configuration.User) {
        guard let mappings else {
            self.init(user: nil, group: nil)
            return
        }
        self.init(
            user: mappings.users.maps(0) ? 0 : process.userID,
            group: mappings.groups.maps(0) ? 0 : process.groupID)
    }

    var summary: String { "become user \(user ?? 0), group \(group ?? 0) of the user namespace" }

    func shell(_ commands: inout ShellCommands) {
        commands.executeAgain(
            "\"$setpriv\"", "--reuid", .value("\(user ?? 0)"), "--regid", .value("\(group ?? 0)"),
            "--clear-groups", "--inh-caps=-all")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "setresgid", "\(group ?? 0)",
            try allowingUnmapped { () throws(Errno) in try Credentials.setGroup(group ?? 0) })
        try attempt(
            "setresuid", "\(user ?? 0)",
            try allowingUnmapped { () throws(Errno) in
                try Credentials.keepCapabilities(true)
                try Credentials.setUser(user ?? 0)
                try Credentials.keepCapabilities(false)
            })
        // The change of credentials has cleared it.
        try TieToRuntime().apply(context)
    }

    private func allowingUnmapped(_ body: () throws(Errno) -> Void) throws(Errno) {
        do throws(Errno) {
            try body()
        } catch .invalidArgument where user == nil {
        }
    }
}
