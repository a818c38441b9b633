import JSON
import OCISpec
import Testing

@testable import ContainerRuntime

/// Every rule alone: it complains where it should, and about nothing else.
@Suite struct `Every check` {
    struct Rule: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var check: Checks.Check
        var config: ConfigFixture
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
            process(#""capabilities": {"effective": ["CAP_KILL"]}"#)),
        rule("namespaces", Checks.namespaces, "linux", #"{"namespaces": []}"#),
        rule("names", Checks.names, "hostname", #""box""#),
        rule("sysctl", Checks.sysctl, "linux", #"{"sysctl": {"vm.swappiness": "1"}}"#),
        rule(
            "resources", Checks.resources, "linux", #"{"resources": {"pids": {"limit": -2}}}"#),
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
        rule("overlay", Checks.overlay, "vfs", #"{"overlay": {"layers": []}}"#),
    ]

    private static let twoProfiles: ConfigFixture = {
        var config = ConfigFixture("vfs", #"{"seccomp": "default"}"#)
        config.set(
            "linux",
            #"{"namespaces": [{"type": "mount"}], "seccomp": {"defaultAction": "SCMP_ACT_LOG"}}"#)
        return config
    }()

    private static func rule(
        _ name: String, _ check: @escaping Checks.Check, _ key: String, _ value: String?
    ) -> Rule {
        Rule(testDescription: name, check: check, config: ConfigFixture(key, value))
    }

    private static func process(_ member: String) -> String {
        #"{"cwd": "/", "args": ["sh"], \#(member)}"#
    }

    private func run(_ check: Checks.Check, _ config: ConfigFixture) throws -> Diagnostics {
        let diagnostics = Diagnostics(
            try JSONDocument(Array(config.text.utf8)), file: "config.json")
        let spec = Spec(diagnostics)
        #expect(!diagnostics.hasErrors, "the document itself must be readable")
        check(spec, diagnostics)
        return diagnostics
    }

    @Test func `is in the table`() {
        #expect(Self.rules.count == Checks.all.count)
    }

    @Test(arguments: rules)
    func `fails where it should`(_ rule: Rule) throws {
        let found = try run(rule.check, rule.config)
        // What cannot be granted is a warning, as the specification wants it.
        #expect(found.hasErrors == (rule.testDescription != "capabilities"))
        #expect(!found.sorted.isEmpty)
    }

    @Test func `two profiles are one too many`() throws {
        #expect(
            try Self.twoProfiles.diagnostics() == [
                "config.json:6:20: vfs.seccomp: names a second profile beside linux.seccomp; keep"
                    + " one of them"
            ])
    }

    @Test(arguments: rules)
    func `passes a config that nothing is wrong with`(_ rule: Rule) throws {
        #expect(try run(rule.check, ConfigFixture()).all.isEmpty)
    }
}
