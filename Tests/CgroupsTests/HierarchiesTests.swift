import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups

@Suite struct `Hierarchies of cgroups` {
    private func hierarchies(_ mounts: String, _ memberships: String) -> Hierarchies {
        Hierarchies(mounts: mounts, memberships: memberships)
    }

    @Test func `of a unified host are one`() {
        let found = hierarchies(
            """
            22 28 0:21 / /proc rw,nosuid - proc proc rw
            30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
            """, "0::/user.slice/session-1.scope\n")
        #expect(found.version1.isEmpty)
        #expect(found.version2?.mountPoint == "/sys/fs/cgroup")
        #expect(found.version2?.own == "/user.slice/session-1.scope")
    }

    @Test func `of version 1 keep their controllers together`() {
        let found = hierarchies(
            """
            31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:4 master:1 - cgroup cgroup rw,cpu,cpuacct
            33 31 0:30 / /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,memory
            34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
            """, "3:memory:/a:b\n2:cpu,cpuacct:/x\n1:name=systemd:/\n0::/\n")
        #expect(
            found.version1 == [
                .init(
                    controllers: ["memory"], mountPoint: "/sys/fs/cgroup/with space", own: "/a:b"),
                .init(
                    controllers: ["cpu", "cpuacct"], mountPoint: "/sys/fs/cgroup/cpu,cpuacct",
                    own: "/x"),
                .init(
                    controllers: ["name=systemd"], mountPoint: "/sys/fs/cgroup/systemd", own: "/"),
            ])
        #expect(found.version2 == nil)
    }

    @Test func `that something is mounted over are not there`() {
        let memberships = "4:memory:/\n0::/\n"
        let below = """
            30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
            31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

            """
        #expect(hierarchies(below, memberships).version1.count == 1)
        let other = hierarchies(
            below + "40 23 0:30 / /sys/fs/cgroupfs rw - tmpfs x rw\n", memberships)
        #expect(other == hierarchies(below, memberships))
        let covered = hierarchies(
            below + "40 30 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", memberships)
        #expect(covered.version1 == [])
        #expect(covered.version2?.mountPoint == "/sys/fs/cgroup")
        let one = hierarchies(
            below + "40 32 0:30 / /sys/fs/cgroup/memory rw - tmpfs x rw\n", memberships)
        #expect(one.version1 == [])
        #expect(one.version2?.mountPoint == "/sys/fs/cgroup/unified")
    }

    @Test func `that are not mounted are not there`() {
        let found = hierarchies("", "3:memory:/\n0::/\n")
        #expect(found.version1.isEmpty)
        #expect(found.version2 == nil)
    }

    @Test func `are seen from a mount of a part`() {
        let line = "32 31 0:29 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
        #expect(hierarchies(line, "3:memory:/docker/x/y\n").version1.first?.own == "/y")
        #expect(hierarchies(line, "3:memory:/docker/x\n").version1.first?.own == "/")
        #expect(hierarchies(line, "3:memory:/docker/xy\n").version1.isEmpty)
    }

    @Test(arguments: [
        "", "\n", "nonsense", "1 2 3 - cgroup", "1:memory", "::", " - ", " - cgroup2 ",
    ])
    func `in a text that says nothing are none`(_ text: String) {
        #expect(hierarchies(text, text).version1.isEmpty)
        #expect(hierarchies(text, text).version2 == nil)
    }

    private static func unified(readsOwn: Bool = true) -> Hierarchies? {
        Hierarchies.unified(readsOwn: readsOwn, readsControllers: false)
    }

    private static func mount(_ type: String) throws {
        try MountTree.mount(type, source: "none", on: "/sys/fs/cgroup", data: "")
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func `of a unified host are guessed as the table of mounts tells them`() throws {
        let (guess, whole, placed) = try withPrivateMounts {
            try Self.mount("cgroup2")
            let table = try HostPath.read("/proc/thread-self/mountinfo")
            let whole = Hierarchies(
                mounts: table, memberships: try HostPath.read("/proc/self/cgroup"))
            return (
                Self.unified(), whole, Self.unified(readsOwn: false)
            )
        }
        #expect(guess?.version1 == [])
        #expect(guess?.version2?.mountPoint == whole.version2?.mountPoint)
        #expect(guess?.version2?.own == whole.version2?.own)
        #expect(placed?.version2?.mountPoint == "/sys/fs/cgroup")
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func `are not guessed where another file system is mounted, or a part`() throws {
        let (tmpfs, part) = try withPrivateMounts {
            try Self.mount("tmpfs")
            let tmpfs = Self.unified()
            try Self.mount("cgroup2")
            let part = "/sys/fs/cgroup/part-\(getpid())"
            try #require(mkdir(part, 0o755) == 0)
            defer { rmdir(part) }
            try #require(Glibc.mount(part, "/sys/fs/cgroup", nil, UInt(MS_BIND), nil) == 0)
            defer { umount2("/sys/fs/cgroup", CInt(MNT_DETACH)) }
            return (tmpfs, Self.unified())
        }
        #expect(tmpfs == nil)
        #expect(part == nil)
    }

    @Test func `of this host can be read`() throws {
        let found = try Hierarchies.read()
        #expect(found.version2 != nil || !found.version1.isEmpty)
    }
}

@Suite struct `Path of a cgroup` {
    private func path(_ path: String?, own: String, version2: Bool = false) -> String {
        ControlGroupPath.inside(
            .init(controllers: [], mountPoint: "/m", own: own), isVersion2: version2, path: path,
            name: "box")
    }

    @Test func `begins at the mount point when it is absolute`() {
        #expect(path("/a/b", own: "/own") == "/a/b")
        #expect(path("/a//b/./c/../d/", own: "/own") == "/a/b/d")
    }

    @Test func `lies below the runtime's own in version 1`() {
        #expect(path("a/b", own: "/own") == "/own/a/b")
        #expect(path(nil, own: "/own") == "/own/box")
        #expect(path("", own: "/") == "/box")
    }

    /// A manager that ends the caller's unit kills what lies in its cgroup and below.
    @Test func `lies beside the unit of the caller where a manager keeps its units`() {
        func path(_ path: String?, own: String) -> String {
            ControlGroupPath.inside(
                .init(controllers: ["name=systemd"], mountPoint: "/m", own: own),
                isVersion2: false, path: path, name: "box")
        }
        #expect(path(nil, own: "/system.slice/engine.service") == "/system.slice/box")
        #expect(path("a/b", own: "/user.slice/session-1.scope") == "/user.slice/a/b")
        #expect(path("/a", own: "/system.slice/engine.service") == "/a")
        #expect(path(nil, own: "/") == "/box")
    }

    @Test func `lies beside the runtime's own in version 2`() {
        #expect(path("a", own: "/user.slice/x.scope", version2: true) == "/user.slice/a")
        #expect(path(nil, own: "/", version2: true) == "/box")
    }

    @Test(arguments: ["../../../etc", "..", "/../..", "a/../../../b"])
    func `never leaves its place`(_ hostile: String) {
        let found = path(hostile, own: "/own")
        #expect(!found.contains(".."))
        #expect(hostile.hasPrefix("/") || found.hasPrefix("/own"))
    }
}
