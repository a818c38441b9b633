internal import ContainerRuntime
internal import LinuxSystem

extension Invocation {
    /// Finds out what the caller may do. One system call for root.
    mutating func setCaller(_ globals: GlobalOptions) throws(CommandError) {
        guard let user = Credentials.knownUser else {
            throw CommandError(
                "geteuid: the kernel does not say who runs vfs-run; a filter forbids it")
        }
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
}
