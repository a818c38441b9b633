public import SystemPackage

/// The settings of a host that decide whether a process may make a user namespace and use it
/// (user_namespaces(7)): the one place that knows which switch forbids it and how it is turned.
public struct UserNamespaceGates: Sendable, Hashable {
    /// `kernel.unprivileged_userns_clone`, which Debian's kernels had: 0 leaves it to root. Nil
    /// where there is no such switch.
    public var unprivilegedClone: Int?
    /// `user.max_user_namespaces` of the user namespace this process is in: 0 forbids them all.
    public var maximum: Int?
    /// `kernel.apparmor_restrict_unprivileged_userns`, which Ubuntu sets since 23.10: a program that has
    /// no profile that allows it gets a user namespace without capabilities, or none.
    public var isRestrictedByAppArmor: Bool
    /// Whether the root of this process is known to be another directory than the root of its
    /// mount namespace, which the kernel takes for a jail that is not to be left.
    public var isChrooted: Bool
    /// Whether a seccomp filter judges this process's system calls: it runs in a container.
    public var isFiltered: Bool
    /// Whether the process may do everything in the user namespace it is in now.
    public var isPrivileged: Bool

    public init(
        unprivilegedClone: Int? = nil, maximum: Int? = nil, isRestrictedByAppArmor: Bool = false,
        isChrooted: Bool = false, isFiltered: Bool = false, isPrivileged: Bool = false
    ) {
        self.unprivilegedClone = unprivilegedClone
        self.maximum = maximum
        self.isRestrictedByAppArmor = isRestrictedByAppArmor
        self.isChrooted = isChrooted
        self.isFiltered = isFiltered
        self.isPrivileged = isPrivileged
    }

    /// As they are for this process now. For after something has failed: it reads files.
    public static func read() -> UserNamespaceGates {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        return UserNamespaceGates(
            unprivilegedClone: KernelSetting.number("kernel/unprivileged_userns_clone"),
            maximum: KernelSetting.number("user/max_user_namespaces"),
            isRestrictedByAppArmor:
                KernelSetting.number("kernel/apparmor_restrict_unprivileged_userns") == 1,
            isChrooted: !mountsShowRoot(KernelSetting.text("/proc/self/mountinfo")),
            isFiltered: KernelSetting.field("Seccomp", in: status) == "2",
            isPrivileged: CapabilitySet.effective(in: status).contains(.administrator))
    }

    /// Whether some mount lies on `/`. In a chroot to a directory that is no mount point none does.
    /// True where it cannot be told.
    static func mountsShowRoot(_ mounts: String?) -> Bool {
        guard let mounts, !mounts.isEmpty else { return true }
        return mounts.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count > 4 && fields[4] == "/"
        }
    }

    /// An obstacle and its remedy.
    public struct Obstacle: Sendable, Hashable {
        /// `user namespaces are left to root here (kernel.unprivileged_userns_clone is 0)`
        public var sentence: String
        /// A command, or advice; nil where nothing is to be done.
        public var remedy: String?
        /// Whether no switch was found that is turned against it.
        public var isGuess: Bool

        public init(_ sentence: String, _ remedy: String? = nil, isGuess: Bool = false) {
            self.sentence = sentence
            self.remedy = remedy
            self.isGuess = isGuess
        }
    }

    /// Why making one failed: `errno` of `clone3` or `unshare` with `CLONE_NEWUSER`.
    public func obstacle(toMaking errno: Errno) -> Obstacle {
        switch errno {
        case .noSpace, .tooManyUsers:
            if maximum == 0 {
                return Obstacle(
                    "user namespaces are switched off (user.max_user_namespaces is 0)",
                    "sysctl -w user.max_user_namespaces=15000")
            }
            return Obstacle(
                "there are as many user namespaces as may be, or they are nested 32 deep",
                "sysctl -w user.max_user_namespaces=15000")
        case .notPermitted:
            if unprivilegedClone == 0 && !isPrivileged {
                return Obstacle(
                    "user namespaces are left to root here (kernel.unprivileged_userns_clone is 0)",
                    "sysctl -w kernel.unprivileged_userns_clone=1")
            }
            if isChrooted {
                return Obstacle(
                    "a process in a chroot gets no user namespace", "run it outside the chroot")
            }
            return filtered
                ?? Obstacle(
                    "the kernel refuses: in a chroot, or with a user or group that has no number in"
                        + " the user namespace it is in, no process gets a user namespace",
                    "run it outside the chroot, and as a user who is mapped", isGuess: true)
        case .permissionDenied:
            return restricted
                ?? Obstacle(
                    "a security module forbids user namespaces",
                    "look for the denial in the kernel's log (dmesg)", isGuess: true)
        case .invalidArgument:
            return Obstacle(
                "this kernel has no user namespaces (CONFIG_USER_NS)", "boot one that has them")
        case .noFunction:
            return filtered ?? Obstacle("this kernel is older than the call", "boot a newer one")
        default: return Obstacle(errno.words, isGuess: true)
        }
    }

    /// Why one that was made is of no use: `errno` of writing its maps, or of the first call that
    /// takes a capability in it.
    public func obstacle(toUsing errno: Errno) -> Obstacle {
        if let restricted { return restricted }
        switch errno {
        case .notPermitted, .permissionDenied:
            return filtered
                ?? Obstacle(
                    "a process gets no rights in its user namespace: a security module forbids it",
                    "look for the denial in the kernel's log (dmesg)", isGuess: true)
        default: return Obstacle(errno.words, isGuess: true)
        }
    }

    private var restricted: Obstacle? {
        guard isRestrictedByAppArmor else { return nil }
        return Obstacle(
            "AppArmor leaves user namespaces to programs with a profile that allows them"
                + " (kernel.apparmor_restrict_unprivileged_userns is 1)",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile for vfs-run with"
                + " \"userns,\" in it")
    }

    private var filtered: Obstacle? {
        guard isFiltered else { return nil }
        return Obstacle(
            "a seccomp filter forbids it: this runs in a container itself",
            "start that container with a seccomp profile that allows it (docker run --security-opt"
                + " seccomp=unconfined)")
    }
}
