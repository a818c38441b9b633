internal import LinuxSystem
internal import SystemPackage

/// A call that reported success and did nothing, or that was told something wrong, must not leave
/// the program more than the config says.
struct VerifyRights: ContainerStep {
    static let manual = StepManual(
        "read the rights back",
        what: """
            Reads the five sets of capabilities, the ids, the groups, the limits, no_new_privs \
            and the dumpable attribute back from the kernel and compares them with the config. A \
            difference ends the start.
            """,
        why: """
            After the last step that changes them, before the filter, which may forbid the calls. \
            Without no_new_privs the filter is there already: then only capabilities and \
            attributes are read, by calls that it has to allow anyway.
            """,
        calls: "capget, prctl, getresuid, getresgid, getgroups, setfsuid, setfsgid, prlimit64")

    let sets: CapabilitySets
    let user: Configuration.User
    /// As of `ChangeUser`.
    var mayLackGroups = false
    let forbidsNewPrivileges: Bool
    let limits: [Configuration.Limit]
    /// Whether the filter is installed by now: then only the calls are made that changed it.
    var isFiltered = false

    let summary = "read back ids, groups, capabilities and limits"

    func apply(_ context: ContainerContext) throws(Failure) {
        try verifyCapabilities(context.grantedCapabilities ?? sets)
        let (forbids, isDumpable, keeps) = try attempt(
            "prctl", "to read attributes back",
            try (
                CurrentProcess.hasNoNewPrivileges, CurrentProcess.isDumpable,
                CurrentProcess.keepsCapabilities
            ))
        // The caller's may forbid more.
        if forbidsNewPrivileges && !forbids {
            throw VerifyRights.difference("no_new_privs", "1", "0")
        }
        if isDumpable { throw VerifyRights.difference("the dumpable attribute", "0", "1") }
        if keeps { throw VerifyRights.difference("SECBIT_KEEP_CAPS", "0", "1") }
        if isFiltered { return }
        try verifyIDs()
        for limit in limits { try verify(limit) }
    }

    /// The bounding set was the caller's before, who may have had less; the others are as granted.
    private func verifyCapabilities(_ granted: CapabilitySets) throws(Failure) {
        let found = try attempt(
            "capget", "to read the capabilities back", try CapabilitySets.current())
        if !found.bounding.isSubset(of: sets.bounding) {
            throw VerifyRights.difference(
                "the bounding set of capabilities", sets.bounding.listed, found.bounding.listed)
        }
        for (name, wanted, got) in [
            ("effective", granted.effective, found.effective),
            ("permitted", granted.permitted, found.permitted),
            ("inheritable", granted.inheritable, found.inheritable),
            ("ambient", granted.ambient, found.ambient),
        ] where wanted != got {
            throw VerifyRights.difference(
                "the \(name) set of capabilities", wanted.listed, got.listed)
        }
    }

    private func verifyIDs() throws(Failure) {
        let found = try attempt("getresuid", "to read the ids back", try ProcessRights.current())
        for (name, wanted, got) in [
            ("user", user.userID, found.users), ("group", user.groupID, found.groups),
        ] {
            guard let wrong = got.first(where: { $0 != wanted }) else { continue }
            throw VerifyRights.difference("the \(name)", "\(wanted)", "\(wrong)")
        }
        if user.keepsGroups { return }
        let wanted = user.additionalGroupIDs.sorted()
        let got = found.supplementaryGroups.sorted()
        if wanted == got || (mayLackGroups && wanted.isEmpty) { return }
        throw VerifyRights.difference("the groups", "\(wanted)", "\(got)")
    }

    private func verify(_ limit: Configuration.Limit) throws(Failure) {
        let found = try attempt(
            "prlimit", limit.resource.name, try CurrentProcess.limit(limit.resource))
        if found == (limit.soft, limit.hard) { return }
        throw VerifyRights.difference(
            limit.resource.name, "\(limit.soft), at most \(limit.hard)",
            "\(found.soft), at most \(found.hard)")
    }

    private static func difference(_ what: String, _ wanted: String, _ found: String) -> Failure {
        Failure(
            "\(what) differs after it was set: expected \(wanted), found \(found); the program is"
                + " not started, since it could do more, or less, than the config says")
    }
}

extension CapabilitySet {
    /// For a message.
    fileprivate var listed: String {
        isEmpty ? "none" : "\(names.joined(separator: " ")) (0x\(String(rawValue, radix: 16)))"
    }
}
