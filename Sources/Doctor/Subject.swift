internal import LinuxSystem
internal import SystemPackage

/// Who is examined, and where.
struct Subject: Sendable {
    /// The directory that a kept upper would lie in; absolute.
    var directory: String
    /// A name for what probes make on the host, which is removed behind them.
    var scratchName: String
    var user: UInt32
    var group: UInt32
    /// Whether it may mount without a user namespace of its own.
    var isPrivileged: Bool
    /// Whether it is in the user namespace that the kernel started with.
    var isInFirstUserNamespace: Bool

    /// This process.
    init(directory: String) {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        self.directory = directory
        scratchName = ".vfs-run-doctor.\(CurrentProcess.pid)"
        user = Credentials.effectiveUser
        group = Credentials.effectiveGroup
        isPrivileged = CapabilitySet.effective(in: status).contains(.administrator)
        isInFirstUserNamespace = Subject.isWhole(KernelSetting.text("/proc/self/uid_map"))
    }

    /// Whether a map of users is the one of the first user namespace: every number is itself.
    static func isWhole(_ map: String?) -> Bool {
        map?.split { $0 == " " || $0 == "\n" } == ["0", "0", "4294967295"]
    }

    /// Whether the kernel lets it write `trusted.*` attributes.
    var hasTrustedAttributes: Bool { isPrivileged && isInFirstUserNamespace }

    /// Options of overlayfs for attributes that this user may write.
    func overlayOptions(inUserNamespace: Bool) -> [String] {
        inUserNamespace || !hasTrustedAttributes ? ["userxattr"] : []
    }

    /// A remedy for a call that was refused.
    func remedy(_ errno: Errno) -> String? {
        switch errno {
        case .notPermitted where !isPrivileged && user == 0:
            "start this container with more capabilities (docker run --privileged)"
        case .notPermitted, .permissionDenied:
            "look for the denial in the kernel's log (dmesg)"
        default: nil
        }
    }
}

/// Going elsewhere, from inside a probe's own process.
extension Subject {
    /// Goes on in new namespaces: with a user namespace below them, where the caller is root, if
    /// this user needs one.
    func enter(
        _ kinds: NamespaceSet, inUserNamespace: Bool = false
    ) throws(Failure) {
        if inUserNamespace || !isPrivileged {
            try enterUserNamespace(with: kinds)
        } else {
            try attempt("unshare", try CurrentProcess.leaveNamespaces(kinds))
        }
        if kinds.contains(.mount) {
            try attempt(
                "mount_setattr", "\"/\" private",
                try MountTree.setRootPropagation(.private, recursive: true))
        }
    }

    private func enterUserNamespace(with kinds: NamespaceSet) throws(Failure) {
        do throws(Errno) {
            try CurrentProcess.leaveNamespaces(kinds.union(.user))
        } catch {
            throw Subject.hasNone
        }
        do throws(Errno) {
            try mapItself()
            // Other credentials have taken it back.
            try CurrentProcess.setParentDeathSignal(Signal.kill)
        } catch {
            throw Subject.hasNone
        }
    }

    /// A probe that needs a user namespace is not tried where there is none; the reason
    /// another row says.
    private static let hasNone = Failure.untried("needs a user namespace")

    /// Makes this user root in the user namespace it is in.
    func mapItself() throws(Errno) {
        try Subject.write("deny", to: "setgroups")
        try Subject.write("0 \(user) 1", to: "uid_map")
        try Subject.write("0 \(group) 1", to: "gid_map")
    }

    private static func write(_ text: String, to name: String) throws(Errno) {
        let file = try HostPath.open("/proc/self/\(name)", .writeOnly)
        try file.borrowed.write(all: Array(text.utf8))
    }

    /// Mounts a tmpfs on top of `/`, where no path leads to: a throw-away upper lies like that.
    func mountScratch() throws(Failure) -> OwnedDescriptor {
        let root = try attempt("open", on: "/", try HostPath.open("/", [.path, .directory]))
        let mount = try Subject.mount("tmpfs")
        try attempt("move_mount", "tmpfs", try mount.attach(to: root.borrowed))
        return mount.release()
    }

    /// Makes a detached mount.
    static func mount(_ type: String) throws(Failure) -> DetachedMount {
        let context = try attempt("fsopen", type, try FileSystemContext(type))
        try attempt("fsconfig", type, try context.create())
        return try attempt("fsmount", type, try context.mount())
    }
}
