import Glibc
import Testing

/// An ordinary user that the host knows nothing of: everything they need lies in the sandbox.
struct OrdinaryUser {
    static let id: uid_t = 54_321
    /// In a mount namespace with an /etc/passwd, /etc/subuid and /etc/subgid of the test's own.
    var hasSubordinates = false
    /// There the ids are those of a directory service, and the files have none for them.
    var hasService = false
    /// There the control groups are those of version 2 alone, also on a host that has both: crun runs
    /// nothing for an ordinary user otherwise.
    var seesUnifiedGroups = false
    /// A supplementary group.
    var group: gid_t?

    /// `path ARGUMENTS` as that user.
    func command(_ box: Sandbox, _ path: String, _ arguments: [String]) throws -> [String] {
        let drop = [
            "setpriv", "--reuid=\(OrdinaryUser.id)", "--regid=\(OrdinaryUser.id)",
            group.map { "--groups=\($0)" } ?? "--clear-groups", path,
        ]
        guard hasSubordinates else { return drop + arguments }
        let others = "somebody:1:1\n"
        try box.write("etc/subuid", others + (hasService ? "" : "ordinary:300000:65536\n"))
        try box.write(
            "etc/subgid",
            hasService ? others : "\(OrdinaryUser.id):400000:1000\nordinary:500000:64536\n")
        try box.write(
            "etc/passwd",
            "root:x:0:0::/:/bin/sh\nordinary:x:\(OrdinaryUser.id):\(OrdinaryUser.id)::/:/bin/sh\n")
        let binds = ["passwd", "subuid", "subgid"].map {
            "mount --bind \(box.path("etc/\($0)")) /etc/\($0)"
        }
        let service = hasService ? try box.serviceOfIDs() : []
        let groups = seesUnifiedGroups && access("/sys/fs/cgroup/unified", F_OK) == 0
        let bindGroups = groups ? ["mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup"] : []
        return [
            "unshare", "--mount", "/bin/sh", "-c",
            (binds + service + bindGroups + ["exec \"$@\""]).joined(separator: " && "), "sh",
        ] + drop + arguments
    }
}

extension Sandbox {
    /// Mounts a module for `subid` of nsswitch.conf(5), as sssd has one, among the host's libraries:
    /// "ordinary" has the ids from 600,000 on and the groups from 700,000 on.
    fileprivate func serviceOfIDs() throws -> [String] {
        let source = try write(
            "service.c",
            """
            #include <stdbool.h>
            #include <stdlib.h>
            #include <string.h>
            struct range { unsigned long start, count; };
            enum { USERS = 1 };
            static struct range all(int kind) {
                return (struct range){kind == USERS ? 600000 : 700000, 65536};
            }
            int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count,
                                       int kind, bool *has) {
                *has = !strcmp(owner, "ordinary") && start >= all(kind).start &&
                       start + count <= all(kind).start + all(kind).count;
                return 0;
            }
            int shadow_subid_list_owner_ranges(const char *owner, int kind, struct range **found,
                                               int *count) {
                *count = !strcmp(owner, "ordinary");
                *found = malloc(sizeof **found);
                **found = all(kind);
                return 0;
            }
            int shadow_subid_find_subid_owners(unsigned long id, int kind, unsigned **owners,
                                               int *count) {
                (void)id, (void)kind;
                *owners = NULL;
                *count = 0;
                return 0;
            }
            """)
        try makeDirectory("service/upper")
        try makeDirectory("service/work")
        try write("etc/nsswitch.conf", "subid: box\n")
        let compiler = try #require(Host.find("cc"))
        let built = try Running(
            compiler, ["-shared", "-fPIC", "-o", path("service/upper/libsubid_box.so"), source],
            environment: ["PATH=/usr/bin:/bin"]
        ).finish()
        try #require(built.code == 0, "\(built)")
        let options = "upperdir=\(path("service/upper")),workdir=\(path("service/work"))"
        return [
            "lib=/usr/lib/$(uname -m)-linux-gnu",
            "mount -t overlay overlay -o lowerdir=$lib,\(options) $lib",
            "mount --bind \(path("etc/nsswitch.conf")) /etc/nsswitch.conf",
        ]
    }

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
