import LinuxSystem
import Testing

@testable import ContainerRuntime

/// Whole plans, compared as the text that `vfs-run plan` prints.
@Suite struct `Plans` {
    /// Whoever changes the list of steps changes it here, and in docs/steps.md.
    @Test func `a full config has every step, in its order, with its origin`() throws {
        var invocation = Invocation()
        invocation.layers = ["/one", "/two"]
        invocation.upper = "/keep"
        invocation.arguments = ["ls", "-l"]
        invocation.hasTerminal = true
        #expect(
            try fullConfig.plan(invocation).text == """
                 1  runtime    run from a sealed mount of the runtime's own binary            \
                           default
                 2  runtime    listen for the signals that end a start                        \
                           default
                 3  runtime    check that no standard stream is a directory or an O_PATH descr\
                iptor      default
                 4  runtime    lock the layer /bundle/base                                    \
                           config.json:48
                 5  runtime    lock the layer /layers/top                                     \
                           config.json:48
                 6  runtime    lock the layer /one                                            \
                           --layer
                 7  runtime    lock the layer /two                                            \
                           --layer
                 8  runtime    lock the upper in /keep                                        \
                           --upper
                 9  runtime    prepare the seccomp filter: 2 system calls named, SCMP_ACT_ERRN\
                O for the rest  config.json:32
                10  runtime    find the host's control group hierarchies                      \
                           default
                11  runtime    open the host's procfs                                         \
                           default
                12  runtime    save the settings of the caller's terminal                     \
                           default
                13  runtime    start the watchdog, which ends the container if the runtime pro\
                cess is killed  default
                14  runtime    queue the signals that are passed on to the container          \
                           default
                15  runtime    adopt the processes that the container leaves behind           \
                           default
                16  runtime    make the init process in new namespaces: mount, uts, network, i\
                pc         config.json:20
                17  container  reset signals and umask                                        \
                           default
                18  container  die when the runtime process dies                              \
                           default
                19  container  join the pid namespace /proc/7/ns/pid                          \
                           config.json:21
                20  container  join the cgroup namespace /proc/7/ns/cgroup                    \
                           config.json:22
                21  container  stop mounts from reaching the host                             \
                           config.json:31
                22  container  open /bundle/data for binding                                  \
                           config.json:42
                23  container  mount overlay on /: 4 layers, /bundle/base at the bottom, with \
                the upper in /keep volatile,index=off  --layer
                24  runtime    record the layers of the upper in /keep                        \
                           --upper
                25  container  change the root (pivot_root) and detach the host's tree        \
                           default
                26  container  make the root rprivate                                         \
                           config.json:31
                27  container  mount proc on /proc nosuid                                     \
                           config.json:39
                28  container  mount tmpfs on /dev mode=755                                   \
                           config.json:40
                29  container  mount devpts on /dev/pts                                       \
                           config.json:41
                30  container  mount /bundle/data on /data rbind,ro                           \
                           config.json:42
                31  container  mount a read-only view of control groups on /sys/fs/cgroup     \
                           config.json:43
                32  container  remount /proc remount,ro                                       \
                           config.json:44
                33  container  make the default devices: null, zero, full, random, urandom, tt\
                y, ptmx    default
                34  container  make the device /dev/fuse (c 10:229, 0666)                     \
                           config.json:25
                35  container  make the device /run/fifo (p, 0666)                            \
                           config.json:26
                36  container  open a terminal as /dev/console (80x24)                        \
                           config.json:4
                37  container  mask /proc/kcore                                               \
                           config.json:29
                38  container  make /proc/sys read-only                                       \
                           config.json:30
                39  container  verify the mounts on /proc, /sys and /dev                      \
                           default
                40  container  set the host name box                                          \
                           config.json:36
                41  container  set the domain name example                                    \
                           config.json:37
                42  container  bring the loopback interface up                                \
                           default
                43  container  set the sysctl net/ipv4/ip_forward to 1                        \
                           config.json:28
                44  container  set the out-of-memory score to 100                             \
                           config.json:15
                45  container  start a session keyring                                        \
                           default
                46  container  enter /srv                                                     \
                           config.json:8
                47  container  make the root read-only                                        \
                           config.json:17
                48  container  look up the home directory of user 1000                        \
                           default
                49  container  limit RLIMIT_NOFILE to 10, at most unlimited                   \
                           config.json:13
                50  container  lift the limit of processes while the process is made          \
                           default
                51  container  leave the other limits as the caller has them                  \
                           default
                52  container  keep 2 capabilities in the bounding set                        \
                           config.json:9
                53  container  close every descriptor but the standard streams                \
                           default
                54  container  forbid new privileges                                          \
                           config.json:14
                55  container  become user 1000, group 100, groups 5,6, umask 077             \
                           config.json:6
                56  container  keep 1 capability, 1 of them ambient                           \
                           config.json:9
                57  container  read back ids, groups, capabilities and limits                 \
                           default
                58  container  take the terminal as the standard streams                      \
                           default
                59  container  become a process of the pid namespace                          \
                           default
                60  runtime    have the watchdog end the copy with the runtime process        \
                           default
                61  container  start a session on the terminal                                \
                           default
                62  container  put the limit of processes back                                \
                           default
                63  container  install the seccomp filter                                     \
                           config.json:32
                64  container  execute ls -l                                                  \
                           --
                65  runtime    kill the processes that the container has left behind          \
                           default
                66  runtime    end the watchdog                                               \
                           default

                """)
    }

    @Test func `a small config does nothing that nobody asked for`() throws {
        let steps = try ConfigFixture().plan().steps.map(\.step.summary)
        #expect(
            steps == [
                "run from a sealed mount of the runtime's own binary",
                "listen for the signals that end a start",
                "check that no standard stream is a directory or an O_PATH descriptor",
                "relay standard streams that are files or devices of the host",
                "lock the layer /bundle/rootfs",
                "start the watchdog, which ends the container if the runtime process is killed",
                "queue the signals that are passed on to the container",
                "adopt the processes that the container leaves behind",
                "make the init process in new namespaces: mount",
                "reset signals and umask",
                "die when the runtime process dies",
                "stop mounts from reaching the host",
                "mount overlay on /: /bundle/rootfs, with a throw-away upper",
                "change the root (pivot_root) and detach the host's tree",
                "mount tmpfs on /dev nosuid,noexec,mode=755,size=64k,nr_inodes=1k",
                "make the default devices: null, zero, full, random, urandom, tty, ptmx",
                "verify the mounts on /proc, /sys and /dev",
                "start a session; standard streams pass through",
                "take the relayed standard streams",
                "enter /",
                "look up the home directory of user 0",
                "leave limits as the caller has them",
                "keep no capability in the bounding set",
                "close every descriptor but the standard streams",
                "become user 0, group 0, umask 022",
                "keep no capability",
                "read back ids, groups, capabilities and limits",
                "execute sh",
            ])
    }

    @Test func `without an overlay the directory itself is the root and is not locked`() throws {
        let steps = try ConfigFixture("vfs", #"{"overlay": false}"#).plan().steps
            .map(\.step.summary)
        #expect(steps.contains("bind /bundle/rootfs as the root"))
        #expect(!steps.contains { $0.hasPrefix("lock") || $0.hasPrefix("mount overlay") })
    }

    @Test func `where overlays are no default only the config or an argument asks for one`() throws
    {
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        func root(_ config: ConfigFixture) throws -> String? {
            try config.plan(invocation).steps.map(\.step.summary)
                .first { $0.hasSuffix("as the root") || $0.hasPrefix("mount overlay") }
        }
        #expect(try root(ConfigFixture()) == "bind /bundle/rootfs as the root")
        let enabled = ConfigFixture("vfs", #"{"overlay": {}}"#)
        #expect(
            try root(enabled) == "mount overlay on /: /bundle/rootfs, with a throw-away upper")
        invocation.upper = "/keep"
        #expect(
            try root(ConfigFixture())
                == "mount overlay on /: /bundle/rootfs, with the upper in /keep index=off")
    }

    @Test func `the upper of the command line replaces the config's`() throws {
        let config = ConfigFixture("vfs", #"{"overlay": {"upper": "state"}}"#)
        func lock(_ invocation: Invocation) throws -> PlannedStep? {
            try config.plan(invocation).steps.first { $0.step is LockUpper }
        }
        let own = try #require(try lock(Invocation()))
        #expect(own.step.summary == "lock the upper in /bundle/state")
        var invocation = Invocation()
        invocation.upper = "/keep"
        let other = try #require(try lock(invocation))
        #expect(other.step.summary == "lock the upper in /keep")
        #expect(other.origin == .argument("--upper"))
    }

    @Test func `without a terminal to offer none is opened`() throws {
        let steps = try fullConfig.plan().steps
        #expect(!steps.contains { $0.step is OpenTerminal })
        #expect(
            steps.contains { $0.step.summary == "start a session; standard streams pass through" })
    }

    @Test func `a dev that is bound in gets no devices`() throws {
        let config = ConfigFixture(
            "mounts", #"[{"destination": "/dev/", "source": "/dev", "options": ["rbind"]}]"#)
        let steps = try config.plan().steps
        #expect(!steps.contains { $0.step is MakeDefaultDevices })
        #expect(!steps.contains { $0.step.summary.hasPrefix("mount tmpfs on /dev") })
    }

    @Test func `a failed step is told with the place that asked for it`() throws {
        let plan = try fullConfig.plan()
        let bind = try #require(plan.steps.first { $0.step is OpenBindSource })
        #expect(
            plan.failure(of: bind, Failure("no such file")).message
                == "config.json:42: open /bundle/data for binding: no such file")
        let pivot = try #require(plan.steps.first { $0.step is PivotRoot })
        #expect(
            plan.failure(of: pivot, Failure("no")).message
                == "change the root (pivot_root) and detach the host's tree: no")
    }
}
