internal import LinuxSystem
internal import SystemPackage

/// Why making a namespace was refused, and the remedy.
enum NamespaceGate {
    static func advice(_ error: Errno) -> String {
        if Credentials.effectiveUser == 0 && OwnUserNamespace.isInitial {
            return error == .noSpace
                ? "a limit of /proc/sys/user/max_*_namespaces is reached"
                : "making namespaces takes CAP_SYS_ADMIN"
        }
        return words(UserNamespaceGates.read().obstacle(toMaking: error))
    }

    /// Of one that is made, and of no use.
    static func adviceOnUse(_ error: Errno) -> String? {
        if Credentials.effectiveUser == 0 && OwnUserNamespace.isInitial { return nil }
        if error != .notPermitted && error != .permissionDenied { return nil }
        return words(UserNamespaceGates.read().obstacle(toUsing: error))
    }

    /// Where the switch that forbids it is not known, `vfs-run doctor` tries one after the other.
    private static func words(_ obstacle: UserNamespaceGates.Obstacle) -> String {
        obstacle.sentence + (obstacle.remedy.map { "; \($0)" } ?? "")
            + (obstacle.isGuess ? "; \"vfs-run doctor\" tries what else is forbidden" : "")
    }
}
