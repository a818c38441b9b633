internal import LinuxSystem
internal import SystemPackage

/// `process.user`
struct ChangeUser: ContainerStep {
    static let manual = StepManual(
        "change to the user",
        what: """
            The process becomes the program's user. The permitted capabilities are kept across \
            the change by PR_SET_KEEPCAPS.
            """,
        why: """
            Groups, then the group, then the user: an unprivileged user may change neither of the \
            others. With run.oci.keep_original_groups, and without root, the caller's groups stay. After every step that takes root's rights.
            """,
        calls: "umask, setgroups, setresgid, prctl, setresuid")

    let user: Configuration.User
    /// Whether the kernel may forbid a user namespace to drop groups: those of its maker stay then,
    /// as nobody's, which give less and never more.
    var mayLackGroups = false

    var summary: String {
        let groups = user.additionalGroupIDs
        let more =
            user.keepsGroups
            ? ", the caller's groups"
            : groups.isEmpty ? "" : ", groups \(groups.map(String.init).joined(separator: ","))"
        let mask = String(user.fileModeMask ?? 0o022, radix: 8)
        return "become user \(user.userID), group \(user.groupID)\(more), umask 0\(mask)"
    }

    func shell(_ commands: inout ShellCommands) {
        commands.run("umask", .value("0" + String(user.fileModeMask ?? 0o022, radix: 8)))
        let groups = user.additionalGroupIDs.map(String.init).joined(separator: ",")
        commands.run(
            "set -- \"$@\" --reuid", .value("\(user.userID)"), "--regid", .value("\(user.groupID)"),
            user.keepsGroups
                ? "--keep-groups"
                : groups.isEmpty ? "--clear-groups" : .option("--groups", groups))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        Credentials.setFileModeMask(user.fileModeMask ?? 0o022)
        do throws(Errno) {
            if !user.keepsGroups {
                try Credentials.setSupplementaryGroups(user.additionalGroupIDs)
            }
        } catch .notPermitted where mayLackGroups && user.additionalGroupIDs.isEmpty {
        } catch {
            let advice =
                error == .notPermitted && mayLackGroups
                ? "this user namespace may set no groups (/proc/self/setgroups); remove"
                    + " additionalGids" : mapped(error)
            throw Failure("setgroups", "", error, advice: advice)
        }
        try attempt(
            "setresgid", "\(user.groupID)", advice: mapped, try Credentials.setGroup(user.groupID))
        // The permitted set must survive until the next step has cut it down.
        if user.userID != 0 {
            try attempt("prctl", "PR_SET_KEEPCAPS", try Credentials.keepCapabilities(true))
        }
        try attempt(
            "setresuid", "\(user.userID)", advice: mapped, try Credentials.setUser(user.userID))
        if user.userID != 0 {
            try attempt("prctl", "PR_SET_KEEPCAPS", try Credentials.keepCapabilities(false))
        }
    }
}

extension ChangeUser {
    private func mapped(_ error: Errno) -> String? {
        error == .invalidArgument ? "it is not mapped in the container's user namespace" : nil
    }
}
