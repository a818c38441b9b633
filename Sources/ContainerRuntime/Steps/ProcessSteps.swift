internal import LinuxSystem
internal import SystemPackage

/// `process.rlimits`.
struct SetLimit: Step {
    let limit: Configuration.Limit

    let side = Side.container
    var summary: String {
        "limit \(limit.resource.name) to \(limit.soft.words), at most \(limit.hard.words)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping(
            "setrlimit", limit.resource.name,
            advice: {
                $0 == .notPermitted ? "raising a hard limit takes CAP_SYS_RESOURCE" : nil
            }
        ) { () throws(Errno) in
            try CurrentProcess.setLimit(limit.resource, soft: limit.soft, hard: limit.hard)
        }
    }
}

/// The runtime has raised its limit of open files: the program gets the caller's, where the config
/// names none. It is also the caller's limit of the size of files that the program ends by.
///
/// Behind all that opens many files and all that writes one. Before the filter, which may not allow
/// it.
struct LeaveCallersLimits: Step {
    /// Whether config.json names RLIMIT_NOFILE.
    let setsFiles: Bool

    let side = Side.container
    var summary: String {
        setsFiles
            ? "leave the other limits as the caller has them"
            : "leave limits as the caller has them"
    }

    func apply(_ context: StartContext) throws(StepError) {
        do throws(SystemCallError) {
            try ResourceLimit.giveBack(keepsFiles: setsFiles)
        } catch {
            throw error
        }
    }
}

extension CapabilitySet {
    /// How many, for people.
    fileprivate var words: String {
        switch count {
        case 0: "no capability"
        case 1: "1 capability"
        default: "\(count) capabilities"
        }
    }
}

extension UInt64 {
    /// A limit for people.
    fileprivate var words: String { self == .max ? "unlimited" : String(self) }
}

/// A session of its own, always: otherwise the container could type into the caller's terminal
/// (TIOCSTI, CVE-2017-5226).
struct StartSession: Step {
    let hasTerminal: Bool
    var hasOwnKeyring = true

    let side = Side.container
    var summary: String {
        hasTerminal
            ? "start a session on the terminal"
            : "start a session; standard streams pass through"
    }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("setsid") { () throws(Errno) in try CurrentProcess.startSession() }
        // Keys are in no namespace: with the caller's keyring the program could use its secrets.
        if hasOwnKeyring { try StartKeyring().apply(context) }
        guard hasTerminal else { return }
        guard let peer = context.terminalPeer else {
            throw StepError("the plan has not opened a terminal")
        }
        try stepping("ioctl", "TIOCSCTTY") { () throws(Errno) in
            try peer.borrowed.makeControllingTerminal()
            for stream in 0..<3 as Range<CInt> {
                try peer.borrowed.become(standardStream: stream)
            }
        }
        context.terminalPeer = nil
    }
}

/// A new, empty session keyring, which the process's copies have too.
struct StartKeyring: Step {
    let side = Side.container
    let summary = "start a session keyring"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("keyctl", "KEYCTL_JOIN_SESSION_KEYRING") { () throws(Errno) in
            do throws(Errno) {
                try CurrentProcess.startKeyring()
            } catch .noFunction {
                // A kernel without keys.
            }
        }
    }
}

/// The standard streams become the user's, so that the program can open them anew, as
/// `/dev/stdout`. Pipes and sockets without a name alone: whatever has one is the host's and stays
/// whose it is. A terminal of the container's own is the user's from the start.
///
/// Before the user changes, who may give nothing away.
struct GiveStreams: Step {
    let userID: UInt32

    let side = Side.container
    var summary: String { "give pipes and sockets among the standard streams to user \(userID)" }
    let undoing = "they stay the user's"

    func apply(_ context: StartContext) throws(StepError) {
        for number in 0..<3 as Range<CInt> {
            do throws(Errno) {
                try give(FileDescriptor(rawValue: number))
            } catch .badFileDescriptor {
                // Closed.
            } catch .notPermitted, .readOnlyFileSystem, .invalidArgument {
                // Somebody else's, or of a user that is not known here: then it can only be used
                // as it is, as runc has it.
            } catch {
                throw StepError(SystemCallError("fchown", "of standard stream \(number)", error))
            }
        }
    }

    private func give(_ stream: FileDescriptor) throws(Errno) {
        let status = try FileStatus.of(stream)
        if status.userID == userID { return }
        switch status.kind {
        case .fifo where try FileSystemMagic.of(stream) == .pipes, .socket:
            try stream.changeOwner(user: userID)
        default: break
        }
    }
}

/// `process.cwd`, made where it is missing. Entered by descriptor and looked at again: it must lie
/// inside the root (CVE-2024-21626).
struct EnterWorkingDirectory: Step {
    let path: String
    /// Whether it is made where it is missing.
    var isMade = true

    let side = Side.container
    var summary: String { "enter \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        // With `..` in it, only the kernel knows where the path leads.
        let isClean = PathText.cleaned(path) == path
        let place = try isClean ? context.place(path) : context.rootPlace(path)
        try stepping(
            "chdir", path.inQuotes,
            advice: {
                switch $0 {
                case .tooManySymbolicLinkLevels:
                    "a working directory cannot be reached through /proc"
                case .fileNameTooLong: LinkPolicy.tooLong
                default: nil
                }
            }
        ) { () throws(Errno) in
            let directory =
                isMade ? try openOrMake(place) : try place.open([.path, .directory])
            try CurrentProcess.changeDirectory(directory.borrowed)
        }
        let reached = try stepping("getcwd") { () throws(Errno) in
            try HostPath.workingDirectory()
        }
        if !reached.hasPrefix("/") {
            throw StepError("\"\(path)\" lies outside the container's root")
        }
    }

    private func openOrMake(_ place: HeldPlace) throws(Errno) -> OwnedDescriptor {
        do {
            return try place.makeDirectories()
        } catch .readOnlyFileSystem {
            throw .noSuchFileOrDirectory
        }
    }
}

/// HOME, where `process.env` has none or an empty one: what the container's passwd says, or `/`.
///
/// After the mounts, since passwd may be one; before the user changes, who may not be allowed to
/// read it, and before the filter, which may not allow it either.
struct FindHome: Step {
    let userID: UInt32

    let side = Side.container
    var summary: String { "look up the home directory of user \(userID)" }

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        context.home = try stepping("read", "/etc/passwd of the container") { () throws(Errno) in
            try UserLookup.home(of: userID, in: root.directory)
        }
    }
}

/// Before the user changes: taking out of the bounding set needs CAP_SETPCAP.
struct DropBoundingSet: Step {
    let sets: CapabilitySets

    let side = Side.container
    var summary: String { "keep \(sets.bounding.words) in the bounding set" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("prctl", "PR_CAPBSET_DROP") { () throws(Errno) in try sets.applyBounding() }
    }
}

/// `process.noNewPrivileges`: no program gains anything by being set-user-ID.
struct ForbidNewPrivileges: Step {
    let side = Side.container
    let summary = "forbid new privileges"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("prctl", "PR_SET_NO_NEW_PRIVS") { () throws(Errno) in
            try CurrentProcess.setNoNewPrivileges()
        }
    }
}

/// `process.user`. Groups first, then the group, then the user, who may change neither.
struct ChangeUser: Step {
    let user: Configuration.User
    /// Whether the kernel may forbid a user namespace to drop groups: those of its maker stay then,
    /// as nobody's, which give less and never more.
    var mayLackGroups = false

    let side = Side.container
    var summary: String {
        let groups = user.additionalGroupIDs
        let more =
            groups.isEmpty ? "" : ", groups \(groups.map(String.init).joined(separator: ","))"
        let mask = String(user.fileModeMask ?? 0o022, radix: 8)
        return "become user \(user.userID), group \(user.groupID)\(more), umask 0\(mask)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        Credentials.setFileModeMask(user.fileModeMask ?? 0o022)
        try stepping(
            "setgroups",
            advice: {
                $0 == .notPermitted && mayLackGroups
                    ? "this user namespace may set no groups (/proc/self/setgroups); remove"
                        + " additionalGids" : mapped($0)
            }
        ) { () throws(Errno) in
            do throws(Errno) {
                try Credentials.setSupplementaryGroups(user.additionalGroupIDs)
            } catch .notPermitted where mayLackGroups && user.additionalGroupIDs.isEmpty {
            }
        }
        try stepping("setresgid", "\(user.groupID)", advice: mapped) { () throws(Errno) in
            try Credentials.setGroup(user.groupID)
        }
        // The permitted set must survive until the next step has cut it down.
        if user.userID != 0 {
            try stepping("prctl", "PR_SET_KEEPCAPS") { () throws(Errno) in
                try Credentials.keepCapabilities(true)
            }
        }
        try stepping("setresuid", "\(user.userID)", advice: mapped) { () throws(Errno) in
            try Credentials.setUser(user.userID)
        }
        if user.userID != 0 {
            try stepping("prctl", "PR_SET_KEEPCAPS") { () throws(Errno) in
                try Credentials.keepCapabilities(false)
            }
        }
    }
}

extension ChangeUser {
    private func mapped(_ error: Errno) -> String? {
        error == .invalidArgument ? "it is not mapped in the container's user namespace" : nil
    }
}

/// The effective, permitted, inheritable and ambient sets. Inheritable is what the config says and
/// nothing by default: programs with file capabilities would gain by it (CVE-2022-29162).
struct SetCapabilities: Step {
    let sets: CapabilitySets

    let side = Side.container
    var summary: String {
        let ambient = sets.ambient.isEmpty ? "" : ", \(sets.ambient.count) of them ambient"
        return "keep \(sets.permitted.words)\(ambient)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        // What the runtime itself does not have it cannot give: the container runs with less.
        context.grantedCapabilities = try stepping("capset") { () throws(Errno) in
            try sets.apply()
        }
        // The change of credentials has cleared it.
        try TieToRuntime().apply(context)
    }
}

/// Nothing of the host's may be open in the container (CVE-2016-9962, CVE-2024-21626). Closed, not
/// only marked close-on-exec: the program's own name could be one of them.
struct CloseDescriptors: Step {
    /// How many, from 3 on, the caller passes on.
    var preserved = 0

    let side = Side.container
    var summary: String {
        let streams = "close every descriptor but the standard streams"
        return switch preserved {
        case 0: streams
        case 1: streams + " and number 3"
        default: streams + " and numbers 3 to \(2 + preserved)"
        }
    }

    func apply(_ context: StartContext) throws(StepError) {
        guard let channel = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        var kept = [channel.channel.borrowed]
        // Close-on-exec, all; the gate leads to a fifo, the procfs to the container's own.
        if let fifo = context.fifo { kept.append(fifo.borrowed) }
        if context.fifo != nil, let proc = context.privateProc {
            kept.append(proc.directory.borrowed)
        }
        if let pageMap = context.pageMap { kept.append(pageMap) }
        // Of exec, which takes it when it is a process of the container.
        if let peer = context.terminalPeer { kept.append(peer.borrowed) }
        for number in 3..<3 + CInt(preserved) { kept.append(FileDescriptor(rawValue: number)) }
        try stepping("close_range") { () throws(Errno) in
            try CurrentProcess.closeDescriptors(except: kept)
        }
    }
}
