internal import CLinux
internal import Glibc
public import SystemPackage

/// This process.
public enum CurrentProcess {
    /// The corresponding C function is `getpid`.
    public static var pid: Int32 { getpid() }

    /// The corresponding C function is `getppid`.
    public static var parent: Int32 { getppid() }

    /// The corresponding C function is `pidfd_open`.
    public static func open() throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(clinux_pidfd_open(getpid()))
    }

    /// Whether it runs from a read-only detached mount of its own binary (CVE-2019-5736).
    public static var isSealed: Bool { clinux_is_sealed() == 1 }

    /// Starts this program anew from such a mount, where its entry point has taken its command for
    /// one that has nothing to do with containers. Returns when that is done, or cannot be.
    public static func seal() {
        if isSealed { return }
        restarting(clinux_seal_now)
    }

    /// Starts this program anew from a sealed copy of its binary. Returns when that
    /// cannot be.
    public static func sealByCopy() { restarting(clinux_seal_copy) }

    /// Starts this program anew from a copy, if another user than root could write its binary: before
    /// something is read that can be read once.
    public static func sealByCopyEarly() {
        if isSealed || Credentials.effectiveUser == 0 { return }
        let binary = "/proc/self/exe"
        guard let path = try? HostPath.linkTarget(binary), !path.hasPrefix("/memfd:vfs-run"),
            let status = try? FileStatus.of(path: binary)
        else { return }
        if status.userID != 0 || status.permissions & 0o022 != 0 { sealByCopy() }
    }

    /// The kernel ends this process when the time is over. The corresponding C function is `alarm`.
    public static func end(after seconds: UInt32) { _ = alarm(seconds) }

    /// The limits of the new start's caller are those of this one's.
    private static func restarting(_ restart: () -> Void) {
        guard (try? ResourceLimit.giveBack()) != nil else { return }
        restart()
        ResourceLimit.raiseOwn()
    }

    /// For a process that `ChildProcess.spawn` has made: makes a copy of it, which is a child of its
    /// parent too, and goes on in both.
    ///
    /// - Returns: Whether this is the copy.
    ///
    /// The corresponding C function is `clone3` with `CLONE_PARENT`.
    public static func forkSibling() throws(Errno) -> Bool {
        try check(clinux_fork_sibling()) == 0
    }

    /// The corresponding C function is `prctl` with `PR_SET_PDEATHSIG`.
    public static func setParentDeathSignal(_ signal: CInt) throws(Errno) {
        try checkDone(clinux_set_parent_death_signal(signal))
    }

    /// The corresponding C function is `prctl` with `PR_SET_DUMPABLE`.
    public static func setDumpable(_ dumpable: Bool) throws(Errno) {
        try checkDone(clinux_set_dumpable(dumpable ? 1 : 0))
    }

    /// The corresponding C function is `prctl` with `PR_SET_NO_NEW_PRIVS`.
    public static func setNoNewPrivileges() throws(Errno) {
        try checkDone(clinux_set_no_new_privileges())
    }

    /// The corresponding C function is `setsid`.
    public static func startSession() throws(Errno) {
        _ = try check(setsid())
    }

    /// Leaves the keys of the session that started this process behind: a new keyring, anonymous
    /// and empty.
    ///
    /// The corresponding C function is `keyctl` with `KEYCTL_JOIN_SESSION_KEYRING`.
    public static func startKeyring() throws(Errno) {
        try checkDone(clinux_join_new_session_keyring())
    }

    /// The corresponding C function is `sethostname`.
    public static func setHostName(_ name: String) throws(Errno) {
        try checkDone(unsafe sethostname(name, name.utf8.count))
    }

    /// The corresponding C function is `setdomainname`.
    public static func setDomainName(_ name: String) throws(Errno) {
        try checkDone(unsafe setdomainname(name, name.utf8.count))
    }

    /// The corresponding C function is `fchdir`.
    public static func changeDirectory(_ directory: FileDescriptor) throws(Errno) {
        try checkDone(fchdir(directory.rawValue))
    }

    /// Sets one limit; `UInt64.max` is no limit. The corresponding C function is `prlimit`.
    public static func setLimit(
        _ resource: ResourceLimit, soft: UInt64, hard: UInt64
    ) throws(Errno) {
        try checkDone(clinux_prlimit(resource.rawValue, soft, hard))
    }

    /// Closes every descriptor from 3 on but those of `kept`.
    ///
    /// The corresponding C function is `close_range`.
    public static func closeDescriptors(except kept: [FileDescriptor]) throws(Errno) {
        var first: CUnsignedInt = 3
        for number in kept.map({ CUnsignedInt($0.rawValue) }).sorted() where number >= first {
            if number > first { try checkDone(clinux_close_range(first, number - 1, 0)) }
            first = number + 1
        }
        try checkDone(clinux_close_range(first, .max, 0))
    }

    /// Ends at once: no exit handlers, no buffers flushed.
    public static func exit(_ code: CInt) -> Never {
        _exit(code)
    }

    /// Replaces the program; returns only to throw.
    ///
    /// The corresponding C function is `execve`.
    public static func execute(
        _ path: String, arguments: CStringArray, environment: CStringArray
    ) throws(Errno) {
        try checkDone(unsafe execve(path, arguments.pointers, environment.pointers))
    }

    /// Throws unless this process may execute the file, as its user or by its capabilities.
    ///
    /// The corresponding C function is `faccessat` with `X_OK` and `AT_EACCESS`.
    public static func checkMayExecute(_ path: String) throws(Errno) {
        try checkDone(unsafe clinux_may_execute(path))
    }

    /// Throws unless this process may write to the file, or make files in the directory.
    ///
    /// The corresponding C function is `faccessat` with `W_OK` and `AT_EACCESS`.
    public static func checkMayWrite(_ path: String) throws(Errno) {
        try checkDone(unsafe faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
    }

    /// Ends at once and without a message, as if another process had killed it.
    ///
    /// The corresponding C function is `kill` with `SIGKILL`.
    public static func killSelf() {
        _ = kill(getpid(), SIGKILL)
    }
}
