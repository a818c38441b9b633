import JSON
import LinuxSystem
import OCISpec
import SystemPackage
import Testing

@testable import ContainerRuntime

/// Every rule alone: it complains where it should, and about nothing else.
@Suite struct `Every check` {
    struct Rule: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var check: Checks.Check
        var config: ConfigFixture
        var invocation = Invocation()
        var host = HostFacts()
        /// Most are errors.
        var isWarning = false

        func with(_ change: (inout Rule) -> Void) -> Rule {
            var rule = self
            change(&rule)
            return rule
        }
    }

    static let rules: [Rule] = [
        rule("version", Checks.version, "ociVersion", #""3.0.0""#),
        rule("rootDirectory", Checks.rootDirectory, "root", nil),
        rule("arguments", Checks.arguments, "process", #"{"cwd": "/", "args": []}"#),
        rule("annotations", Checks.annotations, "annotations", #"{"": "x"}"#),
        rule("environment", Checks.environment, "process", process(#""env": ["x"]"#)),
        rule("workingDirectory", Checks.workingDirectory, "process", #"{"cwd": "x"}"#),
        rule("user", Checks.user, "process", process(#""user": {"uid": 4294967295}"#)),
        rule(
            "resourceLimits", Checks.resourceLimits, "process",
            process(#""rlimits": [{"type": "RLIMIT_X", "soft": 0, "hard": 0}]"#)),
        rule(
            "outOfMemoryScore", Checks.outOfMemoryScore, "process", process(#""oomScoreAdj": 2000"#)
        ),
        rule(
            "scheduling", Checks.scheduling, "process",
            process(#""ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 8}"#)),
        rule(
            "personality", Checks.personality, "linux",
            #"{"personality": {"domain": "LINUX", "flags": ["X"]}}"#),
        rule(
            "capabilities", Checks.capabilities, "process",
            process(#""capabilities": {"effective": ["CAP_KILL"]}"#)
        ).with { $0.isWarning = true },
        rule("namespaces", Checks.namespaces, "linux", #"{"namespaces": []}"#),
        rule("names", Checks.names, "hostname", #""box""#),
        rule("sysctl", Checks.sysctl, "linux", #"{"sysctl": {"vm.swappiness": "1"}}"#),
        rule(
            "resources", Checks.resources, "linux", #"{"resources": {"pids": {"limit": -2}}}"#),
        rule("runLimits", Checks.runLimits, "vfs", #"{"limits": {"wallTime": "soon"}}"#),
        rule("heldLimits", Checks.heldLimits, "vfs", #"{"limits": {"memory": "256m"}}"#).with {
            $0.host.groupLacks = [("memory", "no cgroup can be made")]
        },
        rule("intelRdt", Checks.intelRdt, "linux", #"{"intelRdt": {"closID": ".."}}"#),
        rule("mounts", Checks.mounts, "mounts", #"[{"destination": ""}]"#),
        rule("procMounts", Checks.procMounts, "mounts", #"[{"destination": "/proc"}]"#),
        rule("terminal", Checks.terminal, "process", process(#""terminal": true"#)),
        rule(
            "devices", Checks.devices, "linux", #"{"devices": [{"type": "p", "path": "fifo"}]}"#),
        rule("containerPaths", Checks.containerPaths, "linux", #"{"maskedPaths": ["x"]}"#),
        Rule(testDescription: "seccomp", check: Checks.seccomp, config: twoProfiles),
        rule("labels", Checks.labels, "process", process(#""apparmorProfile": " x""#)),
        rule("hooks", Checks.hooks, "hooks", #"{"poststop": [{"path": "x"}]}"#),
        rule(
            "memoryPolicy", Checks.memoryPolicy, "linux",
            #"{"memoryPolicy": {"mode": "MPOL_BIND"}}"#),
        rule(
            "affinity", Checks.affinity, "process",
            process(#""execCPUAffinity": {"initial": "a"}"#)),
        rule(
            "networkDevices", Checks.networkDevices, "linux", #"{"netDevices": {"eth0": {}}}"#),
        rule(
            "idMappings", Checks.idMappings, "linux",
            #"{"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}"#),
        rule("timeOffsets", Checks.timeOffsets, "linux", #"{"timeOffsets": {"realtime": {}}}"#),
        rule("overlay", Checks.overlay, "vfs", #"{"overlay": {"layers": [], "upper": "u"}}"#),
        rule(
            "engineAnnotations", Checks.engineAnnotations, "annotations",
            #"{"run.oci.mount_context_type": "none"}"#),
        rule("copyOnWrite", Checks.copyOnWrite, "vfs", #"{"copyOnWrite": [{"path": "/"}]}"#),
        rule("files", Checks.files, "vfs", #"{"files": [{"path": "/x"}]}"#),
        rule("landlock", Checks.landlock, "vfs", #"{"landlock": true}"#),
        rule("initProcess", Checks.initProcess, "vfs", #"{"init": true}"#),
    ]

    /// Rules about a command line, the caller's privileges, or the host.
    static let rulesOfRequests: [Rule] = [
        rule("systemdUnit", Checks.systemdUnit, "annotations", #"{"org.systemd.property.1": "x"}"#)
            .with {
                $0.invocation.controlGroups = .always
                $0.invocation.asksSystemd = true
            },
        rule(
            "mountOptions", Checks.mountOptions, "mounts",
            #"[{"destination": "/x", "type": "bind"}]"#),
        rule("terminalSocket", Checks.terminalSocket, "process", process(#""terminal": true"#))
            .with {
                $0.invocation.leavesTerminal = true
                $0.invocation.container = named
            },
        rule("seccompFile", Checks.seccompFile, "vfs", #"{"seccomp": "x"}"#).with {
            $0.host.seccompProfile = .failure(
                Failure("open", "x", .permissionDenied))
        },
        rule(
            "seccompProfile", Checks.seccompProfile, "linux",
            #"{"seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}}"#),
        rule("layerNames", Checks.layerNames, "vfs", #"{"overlay": {"layers": ["x"]}}"#).with {
            $0.host.layers = [.failure(Failure("x"))]
        },
        rule("snapshots", Checks.snapshots).with { $0.invocation.snapshot = "a" },
        rule("snapshots", Checks.snapshots).with {
            $0.invocation.upper = "/upper"
            $0.host.snapshots = .failure(Failure("x"))
        },
        rule(
            "overlayIndex", Checks.overlayIndex, "vfs", #"{"overlay": {"options": ["index=on"]}}"#
        ).with { $0.invocation.readsUpperFor = "--diff" },
        rule("discardedUpper", Checks.discardedUpper).with {
            $0.host.discardedUpper = .memoryWithoutAttributes
            $0.isWarning = true
        },
        rule(
            "mountsBelowTrees", Checks.mountsBelowTrees, "vfs",
            #"{"copyOnWrite": [{"path": "/home"}]}"#
        ).with {
            $0.host.mountTable = .success(
                MountTable(
                    Array("36 35 98:0 / /home/u rw - ext4 /dev/sda rw\n".utf8)))
        },
        rule("mountsBelowRoot", Checks.mountsBelowRoot, "root", #"{"path": "/"}"#).with {
            $0.host.mountTable = .success(
                MountTable(
                    Array("36 35 98:0 / /home rw - ext4 /dev/sda rw\n".utf8)))
            $0.isWarning = true
        },
        rule("sysctl of a user", Checks.sysctl, "linux", userSysctl),
        rule(
            "capabilities of the runtime process", Checks.capabilities, "process",
            process(#""capabilities": {"permitted": ["CAP_KILL"]}"#)
        ).with {
            $0.host.ownCapabilities = .setUserID
            $0.isWarning = true
        },
        rule("hostDevices", Checks.hostDevices, "linux", #"{"netDevices": {"eth0": {}}}"#).with {
            $0.invocation.privilege = .none
        },
        rule(
            "userNamespace", Checks.userNamespace, "linux", #"{"namespaces": [{"type": "user"}]}"#),
        rule("rootlessIDs", Checks.rootlessIDs, "linux", mapped(100_000)).with(rootless),
        rule("mappedUser", Checks.mappedUser, "process", process(#""user": {"uid": 7}"#)).with {
            $0.config.set("linux", mapped(1000))
        },
        rule(
            "idMappedMounts", Checks.idMappedMounts, "mounts",
            #"[{"destination": "/x", "source": "/x", "options": ["bind", "idmap"]}]"#),
        rule("streamFiles", Checks.streamFiles, "process", process(#""terminal": true"#)).with {
            $0.invocation.hasTerminal = true
            $0.invocation.streamFiles = [StreamFile(.input, path: "/x")]
        },
        rule("network", Checks.network, "vfs", #"{"network": "none"}"#),
        rule("network helper", Checks.network, "vfs", #"{"network": "slirp4netns"}"#).with {
            $0.config.set("linux", #"{"namespaces": [{"type": "mount"}, {"type": "network"}]}"#)
            $0.host.networkHelper = .failure(Failure("slirp4netns is not installed"))
        },
        rule("network of pasta", Checks.network, "vfs", #"{"network": "pasta"}"#).with {
            $0.config.set("linux", #"{"namespaces": [{"type": "mount"}, {"type": "network"}]}"#)
        },
        rule("network of the host", Checks.network, "vfs", #"{"network": "host"}"#).with {
            $0.config.set("linux", #"{"namespaces": [{"type": "mount"}, {"type": "network"}]}"#)
        },
        rule("network that outlives", Checks.network, "vfs", #"{"network": {"proxy": "x"}}"#).with {
            $0.config.set("linux", #"{"namespaces": [{"type": "mount"}, {"type": "network"}]}"#)
            $0.invocation.container = named
        },
        rule(
            "joinedMounts", Checks.joinedMounts, "linux",
            #"{"namespaces": [{"type": "mount", "path": "/proc/1/ns/mnt"}]}"#),
    ]

    private static let userSysctl =
        #"{"namespaces": [{"type": "mount"}], "sysctl": {"user.max_pid_namespaces": "1"}}"#

    private static let named = (try? ContainerID("x")).map {
        Configuration.Container(id: $0, store: ContainerStore(root: "/nonexistent"), waits: true)
    }

    private static func rootless(_ rule: inout Rule) {
        rule.invocation.privilege = .none
        rule.invocation.rootless = RootlessUser(userID: 1000, groupID: 1000)
    }

    private static func mapped(_ id: Int) -> String {
        let map = #"[{"containerID": 0, "hostID": \#(id), "size": 1}]"#
        return #"{"namespaces": [{"type": "mount"}, {"type": "user"}], "uidMappings": \#(map), "#
            + #""gidMappings": \#(map)}"#
    }

    private static let twoProfiles: ConfigFixture = {
        var config = ConfigFixture("vfs", #"{"seccomp": "default"}"#)
        config.set(
            "linux",
            #"{"namespaces": [{"type": "mount"}], "seccomp": {"defaultAction": "SCMP_ACT_LOG"}}"#)
        return config
    }()

    private static func rule(
        _ name: String, _ check: @escaping Checks.Check, _ key: String = "",
        _ value: String? = nil
    ) -> Rule {
        Rule(testDescription: name, check: check, config: ConfigFixture(key, value))
    }

    private static func process(_ member: String) -> String {
        #"{"cwd": "/", "args": ["sh"], \#(member)}"#
    }

    private func run(_ rule: Rule, _ config: ConfigFixture) throws -> Diagnostics {
        let diagnostics = Diagnostics(
            try JSONDocument(Array(config.text.utf8)), file: "config.json")
        let spec = Spec(diagnostics)
        #expect(!diagnostics.hasErrors, "the document itself must be readable")
        let request = Request(spec, rule.invocation, bundle: "/bundle")
        let seccomp = SeccompReading(request, rule.host, diagnostics)
        rule.check(Checks(request, rule.host, seccomp, diagnostics))()
        return diagnostics
    }

    @Test func `is in the table`() {
        let names = (Self.rules + Self.rulesOfRequests).map(\.testDescription)
        #expect(Set(names).filter { !$0.contains(" ") }.count == Checks.all.count)
    }

    @Test(arguments: rules + rulesOfRequests)
    func `fails where it should`(_ rule: Rule) throws {
        let found = try run(rule, rule.config)
        // What cannot be granted is a warning, as the specification wants it.
        #expect(found.hasErrors != rule.isWarning)
        #expect(!found.sorted.isEmpty)
    }

    @Test func `of a sysctl goes by the given user, not by the one who runs it`() throws {
        var rule = Self.rule("", Checks.sysctl, "linux", Self.userSysctl)
        #expect(try run(rule, rule.config).hasErrors)
        rule.host.effectiveUser = 1000
        #expect(try run(rule, rule.config).all.isEmpty)
    }

    @Test func `two profiles are one too many`() throws {
        #expect(
            try Self.twoProfiles.diagnostics() == [
                "config.json:6:20: vfs.seccomp: is a second profile beside linux.seccomp; remove one"
            ])
    }

    @Test(arguments: rules)
    func `passes a config that nothing is wrong with`(_ rule: Rule) throws {
        #expect(try run(rule, ConfigFixture()).all.isEmpty)
    }
}
