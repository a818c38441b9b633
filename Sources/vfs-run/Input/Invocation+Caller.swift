internal import ContainerRuntime
internal import LinuxSystem

extension Invocation {
    /// Sets the privileges of the caller. Takes a few system calls.
    mutating func setCaller(_ globals: GlobalOptions) throws(Failure) {
        guard let user = Credentials.knownUser else {
            throw Failure(
                "geteuid: the effective user is unknown, since a seccomp filter forbids the call; run"
                    + " vfs-run without that filter")
        }
        sharesTerminal = !leavesTerminal && TerminalSettings.ofCaller() != nil
        let isRoot = user == 0 && globals.rootless != .always
        if isRoot {
            privilege =
                OwnUserNamespace.isInitial ? .full : MountTree.mayBeChanged ? .nested : .none
        } else {
            privilege = .none
        }
        switch privilege {
        case .full: break
        case .nested: rootless = .root
        case .none: if globals.rootless != .never { rootless = .current }
        }
    }

    /// Which control groups the caller wants made, and by whom.
    mutating func setControlGroups(_ globals: GlobalOptions) {
        if globals.controlGroupManager == .disabled { controlGroups = .disabled }
        asksSystemd = globals.controlGroupManager == .systemd
    }
}
