import Foundation
import Glibc
import Testing

/// What the suite works with: the binary, the probe, the base layer. Set by `make test`; without
/// that they are found beside this file.
enum Host {
    static let runtime = path("VFS_RUN", "build/vfs-run", make: "make build")
    static let probe = path("VFS_RUN_PROBE", "build/probe", make: "make build/probe")
    /// Lists the system calls of a command.
    static let inject = path("VFS_RUN_INJECT", "build/inject", make: "make build/inject")
    /// Carries out plans of a few steps.
    static let outcome = path("VFS_RUN_OUTCOME", ".build/debug/outcome", make: "make check")
    static let base = path("VFS_RUN_BASE", "rootfs/base", make: "make rootfs/base")
    static let repository = String(#filePath.components(separatedBy: "/Tests/")[0])

    private static func path(_ variable: String, _ place: String, make: String) -> String {
        let path =
            ProcessInfo.processInfo.environment[variable]
            ?? #filePath.components(separatedBy: "/Tests/")[0] + "/" + place
        precondition(access(path, F_OK) == 0, "\(path) is missing; run: \(make)")
        precondition(geteuid() == 0, "the integration tests make containers and need root")
        return path
    }

    /// A file of `/proc` or another small file; empty when it cannot be read.
    static func read(_ path: String) -> String {
        String(decoding: bytes(path) ?? [], as: UTF8.self)
    }

    static func bytes(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0 { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count <= 0 { return count == 0 ? bytes : nil }
            bytes += buffer[..<count]
        }
    }

    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The id of a namespace of this process: `net:[4026531840]`.
    static func namespace(_ kind: String) -> String { link("/proc/self/ns/\(kind)") ?? "" }

    static func find(_ program: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path + ":/usr/sbin:/sbin").split(separator: ":").map { "\($0)/\(program)" }
            .first { access($0, X_OK) == 0 }
    }

    /// What no container may change: each is a fact of the host, by its name.
    static var canaries: [String: String] {
        var found: [String: String] = [:]
        for name in ["core_pattern", "hostname", "domainname", "modprobe", "sysrq", "overflowuid"] {
            found[name] = read("/proc/sys/kernel/\(name)")
        }
        for path in ["/dev/null", "/dev/zero", "/dev/tty", "/dev/console", "/dev/pts", "/dev"] {
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            found[path] =
                "\(status.st_ino) \(status.st_mode) \(status.st_uid) \(status.st_gid)"
                + " \(status.st_rdev)"
        }
        return found
    }
}

/// Says why a test cannot run here, where the run's log has it. Never for what the project itself
/// could provide.
func skip(_ reason: String) throws -> Never {
    try Test.cancel("skipped: \(reason)")
}
