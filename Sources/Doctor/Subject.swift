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

    /// What overlayfs has to be told so that it keeps its notes in attributes that may be written.
    func overlayOptions(inUserNamespace: Bool) -> [String] {
        inUserNamespace || !hasTrustedAttributes ? ["userxattr"] : []
    }

    /// What may mend a call that was refused.
    func mends(_ errno: Errno) -> String? {
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
    ) throws(ProbeFailure) {
        if inUserNamespace || !isPrivileged {
            try enterUserNamespace(with: kinds)
        } else {
            try trying("unshare") { () throws(Errno) in
                try CurrentProcess.leaveNamespaces(kinds)
            }
        }
        if kinds.contains(.mount) {
            try trying("mount_setattr", "\"/\" private") { () throws(Errno) in
                try MountTree.setRootPropagation(.private, recursive: true)
            }
        }
    }

    private func enterUserNamespace(with kinds: NamespaceSet) throws(ProbeFailure) {
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

    /// What depends on a user namespace has not been tried where there is none; why there is none
    /// another row says.
    private static let hasNone = ProbeFailure(.untried("takes a user namespace"))

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

    /// A tmpfs on top of `/`, where no path leads to: as a throw-away upper lies.
    func mountScratch() throws(ProbeFailure) -> OwnedDescriptor {
        let root = try trying("open", "\"/\"") { () throws(Errno) in
            try HostPath.open("/", [.path, .directory])
        }
        let context = try trying("fsopen", "tmpfs") { () throws(Errno) in
            try FileSystemContext("tmpfs")
        }
        let mount = try trying("fsmount", "tmpfs") { () throws(Errno) in
            try context.create()
            return try context.mount()
        }
        try trying("move_mount", "tmpfs") { () throws(Errno) in
            try mount.attach(to: root.borrowed)
        }
        return mount.release()
    }
}
