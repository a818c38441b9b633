import Glibc
import Testing

/// What keeps an ordinary user's container from starting, provoked one by one: each is named, with
/// what to do about it.
struct RootlessRefusalTests {
    private let drop =
        "setpriv --reuid=\(OrdinaryUser.id) --regid=\(OrdinaryUser.id) --clear-groups"

    private func prepare(_ box: Sandbox, isMapped: Bool = false) throws -> String {
        try box.prepareOrdinary()
        var config = box.ordinaryConfig()
        config.run(["/bin/sh", "-c", "echo ran"])
        return try box.write("bundle/config.json", config.prettyText)
    }

    /// The files of a user with ids set aside.
    private func mapUser(_ box: Sandbox) throws -> String {
        try OrdinaryUser(hasSubordinates: true).command(box, "", [])[4]
            .replacing("exec \"$@\"", with: "true")
    }

    @Test func `a chroot`() throws {
        try Sandbox.use { box in
            _ = try prepare(box)
            try box.makeDirectory("proc")
            var config = box.ordinaryConfig()
            config["root"]["path"] = "../rootfs"
            config["vfs"] = nil
            try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.inMounts(
                "mount --bind /proc \(box.path("proc"))",
                "exec chroot --userspec=\(OrdinaryUser.id):\(OrdinaryUser.id) \(box.directory)"
                    + " /vfs-run /bundle/config.json")
            #expect(outcome.code == 125)
            #expect(
                outcome.error.contains("a process in a chroot gets no user namespace"),
                "\(outcome)")
        }
    }

    @Test func `no binary from memory, where the user's own could be overwritten`() throws {
        try Sandbox.use { box in
            let config = try prepare(box)
            chown(box.path("vfs-run"), OrdinaryUser.id, OrdinaryUser.id)
            func run(_ setting: Int) throws -> Outcome {
                // The setting is one of the pid namespace.
                try Running(
                    try #require(Host.find("unshare")),
                    [
                        "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
                        "echo \(setting) > /proc/sys/vm/memfd_noexec || exit 99;"
                            + " exec \(drop) \(box.path("vfs-run")) \(config)",
                    ], environment: ["PATH=/usr/bin:/bin", "HOME=/nonexistent"]
                ).finish()
            }
            let strict = try run(2)
            if strict.code == 99 { try skip("vm.memfd_noexec cannot be set: \(strict.error)") }
            #expect(strict.code == 125)
            #expect(strict.error.contains("vm.memfd_noexec is 2"), "\(strict)")
            #expect(strict.error.contains("install vfs-run as root's"), "\(strict)")
            // Where it has only to be asked for, it is.
            let mild = try run(1)
            #expect(mild.output == "ran\n", "\(mild)")
        }
    }

    @Test func `helpers without their rights`() throws {
        try Sandbox.use { box in
            let config = try prepare(box)
            let users = try mapUser(box)
            let run = "\(drop) \(box.path("vfs-run")) \(config)"
            let noSetUser = try box.inMounts(
                users, "mount --bind /usr/bin /usr/bin && mount -o remount,bind,nosuid /usr/bin",
                "exec \(run)")
            #expect(noSetUser.code == 125)
            #expect(
                noSetUser.error.contains("/usr/bin/newuidmap does not give these ids"),
                "\(noSetUser)")
            #expect(noSetUser.error.contains("on a file system without nosuid"), "\(noSetUser)")
            let noPrivileges = try box.inMounts(
                users, "exec setpriv --no-new-privs \(run)")
            #expect(noPrivileges.code == 125)
            #expect(noPrivileges.error.contains("no_new_privs is set"), "\(noPrivileges)")
        }
    }

    @Test func `half of the files of ids leaves the user alone in the container`() throws {
        try Sandbox.use { box in
            let config = try prepare(box)
            let users = try mapUser(box)
            let outcome = try box.inMounts(
                users, "mount --bind /dev/null /etc/subgid",
                "exec \(drop) \(box.path("vfs-run")) \(config) -- /bin/cat /proc/self/uid_map")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.split(separator: " ").map(String.init).last == "1\n")
        }
    }

    @Test func `a /proc of which parts are hidden, as in a container`() throws {
        try Sandbox.use { box in
            let config = try prepare(box)
            let outcome = try box.inMounts(
                "mount --bind /dev/null /proc/uptime",
                "exec \(drop) \(box.path("vfs-run")) \(config)")
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("mount proc on /proc"), "\(outcome)")
            #expect(outcome.error.contains("parts of the host's are covered"), "\(outcome)")
            #expect(outcome.error.contains("vfs-run doctor"), "\(outcome)")
        }
    }

    @Test func `as many user namespaces as may be`() throws {
        try Sandbox.use { box in
            let config = try prepare(box)
            let outcome = try Running(
                try #require(Host.find("unshare")),
                [
                    "--user", "--map-root-user", "/bin/sh", "-c",
                    "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\" \"$1\"",
                    box.path("vfs-run"), config,
                ]
            ).finish()
            #expect(outcome.error.contains("user.max_user_namespaces is 0"), "\(outcome)")
            #expect(!outcome.error.contains("doctor"), "it would tell no more: \(outcome)")
        }
    }
}
