internal import LinuxSystem

/// Where a test has the runtime process die, to see what is left of a container then:
/// `VFS_RUN_TEST_KILL_AT=N` is the moment before step N of the plan (from 0 on), and in `start` the
/// one before its Nth act.
///
/// For root alone, and it kills nobody but the runtime process itself: whoever gives that process
/// its environment could do as much by kill(2).
enum KillPoint {
    static let step: Int? =
        Credentials.effectiveUser == 0
        ? CurrentProcess.environment("VFS_RUN_TEST_KILL_AT").flatMap { Int($0) } : nil

    static func reach(_ step: Int) {
        if step == KillPoint.step { CurrentProcess.killSelf() }
    }
}
