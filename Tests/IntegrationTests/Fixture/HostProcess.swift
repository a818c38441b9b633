import CLinux
import Glibc

/// Processes of the host, as procfs shows them.
enum HostProcess {
    static var all: [pid_t] { TreeSnapshot.names(in: "/proc").compactMap { pid_t($0) } }

    /// Those whose command line or mounts name `directory`: a runtime, its watchdog, a container.
    static func concerned(with directory: String) -> [pid_t] {
        all.filter { pid in
            pid != getpid()
                && (Host.read("/proc/\(pid)/cmdline").contains(directory)
                    || Host.read("/proc/\(pid)/mountinfo").contains(directory))
        }
    }

    static func children(of parent: pid_t) -> [pid_t] {
        all.filter { field("PPid", of: $0) == Int(parent) }
    }

    /// A number of `/proc/PID/status`.
    static func field(_ name: String, of pid: pid_t) -> Int? {
        for line in Host.read("/proc/\(pid)/status").split(separator: "\n")
        where line.hasPrefix(name + ":") {
            return line.split { $0 == "\t" || $0 == " " }.dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }

    /// The init process of the container that `runtime` runs: its child in another pid namespace
    /// or with another root.
    static func initProcess(of runtime: pid_t) -> pid_t? {
        children(of: runtime).first { !isWatchdog($0) }
    }

    static func isWatchdog(_ pid: pid_t) -> Bool {
        Host.read("/proc/\(pid)/comm").hasPrefix("vfs-run-watch")
    }

    /// Waits until `pid` has ended, through a pidfd; false when it has not within the time.
    static func waitForEnd(of pid: pid_t, milliseconds: CInt = 5000) -> Bool {
        let pidfd = clinux_pidfd_open(pid)
        if pidfd < 0 { return errno == ESRCH }
        defer { close(pidfd) }
        var polled = pollfd(fd: pidfd, events: CShort(POLLIN), revents: 0)
        return poll(&polled, 1, milliseconds) == 1
    }
}

extension HostProcess {
    /// Whether this process has a capability, by its number.
    static func has(capability: Int) -> Bool {
        for line in Host.read("/proc/self/status").split(separator: "\n")
        where line.hasPrefix("CapEff:") {
            let digits = line.dropFirst(7).drop { $0 == "\t" }
            return (UInt64(digits, radix: 16) ?? 0) >> UInt64(capability) & 1 == 1
        }
        return false
    }
}
