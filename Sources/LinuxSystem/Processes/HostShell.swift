internal import CLinux
internal import Glibc
public import SystemPackage

/// A shell of the host that needs no file of the namespaces that it is executed in: a static busybox,
/// whose commands are in it. Of the files there it executes none.
public final class HostShell {
    private let file: OwnedDescriptor

    private init(_ file: consuming OwnedDescriptor) { self.file = file }

    private static let places = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"]

    /// - Returns: Nil where there is none.
    public static func find() -> HostShell? {
        for path in places {
            // Where this process may mount, by a mount that nobody can write through: a process in the
            // namespaces reaches the file as /proc/PID/exe (CVE-2019-5736).
            let opened: OwnedDescriptor
            if let mount = try? DetachedMount.clone(path, recursive: false),
                (try? mount.setAttributes(set: .readOnly)) != nil,
                let file = try? HostPath.open(
                    "/proc/self/fd/\(mount.borrowed.rawValue)", .readOnly)
            {
                opened = file
            } else if let file = try? HostPath.open(path, .readOnly) {
                opened = file
            } else {
                continue
            }
            guard let head = try? opened.borrowed.readBytes(upTo: 4096),
                ELFHeader(head)?.isStatic == true
            else { continue }
            return HostShell(opened)
        }
        return nil
    }

    /// Runs it at a terminal, whose foreground process group it is until its end.
    ///
    /// - Parameters:
    ///   - pidfd: A process in the namespaces that it enters.
    ///   - namespaces: Those of them that are not this process's.
    ///
    /// The corresponding C functions are `clone3`, `setns`, `fexecve` and `tcsetpgrp`.
    public func run(
        beside pidfd: FileDescriptor, in namespaces: NamespaceSet, at terminal: FileDescriptor,
        environment: [String]
    ) throws(Errno) -> ChildProcess.Ending {
        let (file, stream) = (file.borrowed, terminal)
        let argv = CStringArray(["sh"])
        let envp = CStringArray(environment)
        return try Program.run(at: terminal) { () throws(Errno) in
            try ChildProcess.spawnBeside {
                HostShell.enter(pidfd, namespaces, stream, file) {
                    unsafe fexecve(file.rawValue, argv.pointers, envp.pointers)
                }
            }
        }
    }

    /// The process that joins. A pid namespace holds for those that it makes.
    ///
    /// It has the caller's rights among files and processes that nothing confines yet: it takes along no
    /// descriptor of this process, no other process may trace it, and in its copy of the mounts nothing
    /// can be executed or mapped as code, whatever a command of the shell looks for.
    private static func enter(
        _ pidfd: FileDescriptor, _ namespaces: NamespaceSet, _ terminal: FileDescriptor,
        _ file: FileDescriptor, _ execute: @escaping () -> CInt
    ) -> Never {
        do throws(Errno) {
            try checkDone(setpgid(0, 0))
            try CurrentProcess.setParentDeathSignal(Signal.kill)
            try CurrentProcess.setDumpable(false)
            for stream in 0..<3 { try terminal.become(standardStream: CInt(stream)) }
            try CurrentProcess.closeDescriptors(except: [pidfd, terminal, file])
            if !namespaces.isEmpty { try pidfd.joinNamespace(namespaces) }
            try forbidExecution()
            if namespaces.contains(.user) {
                // Where they are mapped by now.
                try? Credentials.setGroup(0)
                try? Credentials.setUser(0)
                // The change of credentials has cleared both.
                try CurrentProcess.setParentDeathSignal(Signal.kill)
                try CurrentProcess.setDumpable(false)
            }
            let shell = try ChildProcess.spawnBeside {
                run(terminal, execute)
            }
            if case .exited(let code) = try shell.wait() { CurrentProcess.exit(code) }
        } catch {
            // One that is not dumpable any more lets nobody but root in.
            let advice =
                error == .notPermitted && Credentials.effectiveUser != 0
                ? "; the init process hides itself from all but root by now" : ""
            let words = "a shell in the namespaces: \(error.words)\(advice)\n"
            try? terminal.write(all: Array(words.utf8))
        }
        CurrentProcess.exit(126)
    }

    /// In a copy of the mounts, of this process alone. The shell's own file lies on none of them.
    private static func forbidExecution() throws(Errno) {
        try CurrentProcess.leaveNamespaces(.mount)
        try MountTree.setRootPropagation(.private, recursive: true)
        let root = try HostPath.open("/", [.path, .directory])
        try root.borrowed.setMountAttributes(
            set: [.noExecution, .noSetUserID], recursive: true)
    }

    private static func run(_ terminal: FileDescriptor, _ execute: () -> CInt) -> Never {
        guard (try? CurrentProcess.setParentDeathSignal(Signal.kill)) != nil else {
            CurrentProcess.exit(126)
        }
        _ = clinux_reset_signals()
        _ = execute()
        try? terminal.write(all: Array("sh: \(Errno(rawValue: errno).words)\n".utf8))
        CurrentProcess.exit(126)
    }
}
