internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

extension Invocation {
    /// Finds out what the caller may do. One system call for root.
    mutating func setCaller(_ globals: GlobalOptions) throws(CommandError) {
        let user: UInt32
        do {
            user = try Credentials.requireUser()
        } catch {
            throw CommandError("geteuid: \(error.words)")
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
