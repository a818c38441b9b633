import Glibc
import Testing

/// An ordinary user that the host knows nothing of: everything they need lies in the sandbox.
struct OrdinaryUser {
    static let id: uid_t = 54_321
    /// In a mount namespace with an /etc/passwd, /etc/subuid and /etc/subgid of the test's own.
    var hasSubordinates = false
    /// There the control groups are those of version 2 alone, also on a host that has both: crun runs
    /// nothing for an ordinary user otherwise.
    var seesUnifiedGroups = false

    /// `path ARGUMENTS` as that user.
    func command(_ box: Sandbox, _ path: String, _ arguments: [String]) throws -> [String] {
        let drop = [
            "setpriv", "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)",
            "--clear-groups", path,
        ]
        guard hasSubordinates else { return drop + arguments }
        try box.write("etc/subuid", "somebody:1:1\nordinary:300000:65536\n")
        try box.write("etc/subgid", "\(OrdinaryUser.id):400000:1000\nordinary:500000:64536\n")
        try box.write(
            "etc/passwd",
            "root:x:0:0::/:/bin/sh\nordinary:x:\(OrdinaryUser.id):\(OrdinaryUser.id)::/:/bin/sh\n")
        let binds = ["passwd", "subuid", "subgid"].map {
            "mount --bind \(box.path("etc/\($0)")) /etc/\($0)"
        }
        let groups = seesUnifiedGroups && access("/sys/fs/cgroup/unified", F_OK) == 0
        let bindGroups = groups ? ["mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup"] : []
        return [
            "unshare", "--mount", "/bin/sh", "-c",
            (binds + bindGroups + ["exec \"$@\""]).joined(separator: " && "), "sh",
        ] + drop + arguments
    }
}

extension Sandbox {
    /// A root file system of the user's own, the runtime where they can execute it, and a directory
    /// for states.
    func prepareOrdinary() throws {
        try makeRoot()
        try copy(Host.runtime, to: "vfs-run")
        for name in ["rootfs", "states", "keep"] {
            try makeDirectory(name)
            for path in [name] + TreeSnapshot.names(in: path(name)).map({ "\(name)/\($0)" }) {
                lchown(self.path(path), OrdinaryUser.id, OrdinaryUser.id)
            }
        }
    }

    /// The same config that root would run: nothing in it is about users.
    func ordinaryConfig() -> Value { Config.minimal(root: path("rootfs")) }

    /// Starts the runtime as an ordinary user.
    func startOrdinary(
        _ arguments: [String], as user: OrdinaryUser = OrdinaryUser(),
        program: String? = nil, input: Running.Input = .bytes([])
    ) throws -> Running {
        let words = try user.command(self, program ?? path("vfs-run"), arguments)
        let program = try #require(Host.find(words[0]))
        return try Running(
            program, Array(words.dropFirst()),
            environment: [
                "PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=\(path("states"))", "HOME=\(path("states"))",
            ], input: input, directory: directory)
    }

    /// Runs a config to the end as an ordinary user.
    func runOrdinary(
        _ config: Value, _ user: OrdinaryUser = OrdinaryUser(), options: [String] = [],
        shell script: String? = nil
    ) throws -> Outcome {
        var config = config
        if let script { config.run(["/bin/sh", "-c", script]) }
        let file = try write("bundle/config.json", config.prettyText)
        return try startOrdinary(options + [file], as: user).finish()
    }
}
