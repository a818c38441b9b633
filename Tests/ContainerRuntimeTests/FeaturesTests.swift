import JSON
import LinuxSystem
import OCISpec
import Seccomp
import Testing

@testable import ContainerRuntime

/// What `vfs-run features` claims, tried on a config.json: what is claimed is taken, and what is
/// known and not claimed is refused. So a table and a check cannot drift apart.
@Suite struct `What features claims` {
    static let document = try? JSONDocument(Array(Features.json.compactText.utf8))

    static func value(_ path: String...) -> JSONValue? {
        path.reduce(document?.root) { $0?[$1] }
    }

    static func list(_ path: String...) -> Set<String> {
        let found = path.reduce(document?.root) { $0?[$1] }
        return Set((found?.elements ?? []).compactMap(\.string))
    }

    static func flag(_ path: String...) -> Bool? {
        path.reduce(document?.root) { $0?[$1] }?.bool
    }

    /// Errors about a config with this member.
    private func errors(_ key: String, _ value: String) throws -> [String] {
        try ConfigFixture(key, value).diagnostics().filter { !$0.contains(": warning: ") }
    }

    private func linux(_ member: String, _ namespaces: String = #"{"type": "mount"}"#) throws
        -> [String]
    {
        try errors("linux", #"{"namespaces": [\#(namespaces)], \#(member)}"#)
    }

    private func expectClaimed(_ claimed: Bool, _ errors: [String], _ name: String) {
        if claimed {
            #expect(errors == [], "\(name) is claimed and refused")
        } else {
            #expect(errors != [], "\(name) is not claimed and taken")
        }
    }

    @Test func `has the members of the specification`() {
        let members = Self.document?.root.members.compactMap(\.key.string)
        #expect(
            members == [
                "ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations",
                "potentiallyUnsafeConfigAnnotations",
            ])
        #expect(
            Self.value("linux")?.members.compactMap(\.key.string) == [
                "namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux",
                "intelRdt", "memoryPolicy", "mountExtensions", "netDevices",
            ])
    }

    @Test(arguments: ["ociVersionMin", "ociVersionMax"])
    func `of versions holds`(_ bound: String) throws {
        let version = try #require(Self.value(bound)?.string)
        #expect(try errors("ociVersion", "\"\(version)\"") == [])
    }

    @Test(arguments: `Mount options`.specification)
    func `of mount options holds`(_ name: String) throws {
        let isAboutIDs = name == "idmap" || name == "ridmap"
        let mapping = #"[{"containerID": 0, "hostID": 1, "size": 1}]"#
        let found = try errors(
            "mounts",
            isAboutIDs
                ? #"[{"destination": "/x", "source": "/x", "options": ["bind", "\#(name)"],"#
                    + #""uidMappings": \#(mapping), "gidMappings": \#(mapping)}]"#
                : #"[{"destination": "/x", "type": "tmpfs", "source": "/x","#
                    + #""options": ["\#(name)"]}]"#)
        expectClaimed(Self.list("mountOptions").contains(name), found, name)
    }

    @Test func `of mount options is about known ones`() {
        #expect(Self.list("mountOptions").isSubset(of: MountOption.table.map(\.name)))
    }

    @Test(arguments: Spec.Linux.Namespace.Kind.allCases)
    func `of namespaces holds`(_ kind: Spec.Linux.Namespace.Kind) throws {
        let own = kind == .mount ? "" : #", {"type": "\#(kind.rawValue)"}"#
        let mappings =
            kind == .user
            ? #"[{"containerID": 0, "hostID": 100000, "size": 10}]"# : "[]"
        expectClaimed(
            Self.list("linux", "namespaces").contains(kind.rawValue),
            try linux(
                #""uidMappings": \#(mappings), "gidMappings": \#(mappings)"#,
                #"{"type": "mount"}"# + own), kind.rawValue)
    }

    @Test func `of capabilities holds`() throws {
        let names = Self.list("linux", "capabilities")
        #expect(names.count >= 41, "CAP_CHECKPOINT_RESTORE came with Linux 5.9")
        let all = names.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        let found = try ConfigFixture(
            "process", #"{"cwd": "/", "args": ["sh"], "capabilities": {"bounding": [\#(all)]}}"#
        ).diagnostics()
        #expect(found == [])
    }

    /// All 64 there could be: none is known under a name that is not listed.
    @Test func `of capabilities is complete`() {
        let bits = Self.list("linux", "capabilities").compactMap(CapabilitySet.init(name:))
        let all = bits.reduce(into: CapabilitySet()) { $0.formUnion($1) }
        #expect(all.count == bits.count)
        #expect(all.rawValue == (1 << UInt64(bits.count)) - 1, "numbers from 0, without a gap")
    }

    private func profile(_ members: String) throws -> [String] {
        let found = try linux(#""seccomp": {\#(members)}"#)
        if found != [] { return found }
        let document = try JSONDocument(Array("{\(members)}".utf8))
        let diagnostics = Diagnostics(document, file: "profile")
        let profile = try #require(Spec.Seccomp(document.root, diagnostics))
        do throws(SeccompError) {
            _ = try SeccompCompiler.compile(profile)
            return []
        } catch {
            return [error.description]
        }
    }

    @Test(arguments: Spec.Seccomp.Action.allCases)
    func `of seccomp actions holds`(_ action: Spec.Seccomp.Action) throws {
        let fallback = action == .allow ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW"
        let found = try profile(
            #""defaultAction": "\#(fallback)", "listenerPath": "/run/listener", "#
                + #""syscalls": [{"names": ["mkdir"], "action": "\#(action.rawValue)"}]"#)
        expectClaimed(
            Self.list("linux", "seccomp", "actions").contains(action.rawValue), found,
            action.rawValue)
    }

    @Test(arguments: Spec.Seccomp.Comparison.allCases)
    func `of seccomp operators holds`(_ comparison: Spec.Seccomp.Comparison) throws {
        let argument =
            #"{"index": 0, "value": 1, "valueTwo": 1, "op": "\#(comparison.rawValue)"}"#
        let found = try profile(
            #""defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["dup"], "#
                + #""action": "SCMP_ACT_ERRNO", "args": [\#(argument)]}]"#)
        expectClaimed(
            Self.list("linux", "seccomp", "operators").contains(comparison.rawValue), found,
            comparison.rawValue)
    }

    @Test(arguments: Spec.Seccomp.Architecture.allCases)
    func `of seccomp architectures holds`(_ name: Spec.Seccomp.Architecture) throws {
        let found = try profile(
            #""defaultAction": "SCMP_ACT_ALLOW", "architectures": ["\#(name.rawValue)"]"#)
        expectClaimed(
            Self.list("linux", "seccomp", "archs").contains(name.rawValue), found, name.rawValue)
    }

    @Test(arguments: Spec.Seccomp.Flag.allCases)
    func `of seccomp flags holds`(_ flag: Spec.Seccomp.Flag) throws {
        let found = try profile(
            #""defaultAction": "SCMP_ACT_ALLOW", "flags": ["\#(flag.rawValue)"]"#)
        expectClaimed(
            Self.list("linux", "seccomp", "knownFlags").contains(flag.rawValue), found,
            flag.rawValue)
        #expect(
            Self.list("linux", "seccomp", "supportedFlags")
                .isSubset(of: Self.list("linux", "seccomp", "knownFlags")))
    }

    @Test func `of seccomp flags is what this kernel takes`() {
        // The kernel floor, 5.14, has the first three.
        let supported = Self.list("linux", "seccomp", "supportedFlags")
        #expect(
            supported.isSuperset(of: [
                "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
            ]))
        #expect(!SeccompFilter.kernelTakes(flags: 1 << 31))
    }

    /// Names of hooks that are not known are ignored, as any unknown name is: whether one is known
    /// is told from what is wrong in it.
    @Test(
        arguments: [
            "prestart", "createRuntime", "createContainer", "startContainer", "poststart",
            "poststop",
        ])
    func `of hooks holds`(_ name: String) throws {
        #expect(Self.list("hooks").contains(name))
        #expect(try errors("hooks", #"{"\#(name)": [{"path": "/bin/true"}]}"#) == [])
        #expect(try errors("hooks", #"{"\#(name)": [{"path": "true"}]}"#) != [])
    }

    @Test func `of control groups holds`() throws {
        let groups = ["v1", "v2"].map { Self.flag("linux", "cgroup", $0) == true }
        let found = try linux(#""resources": {"pids": {"limit": 10}}"#)
        expectClaimed(groups.contains(true), found, "linux.resources")
        let rdma = try linux(#""resources": {"rdma": {"mlx5_1": {"hcaHandles": 3}}}"#)
        expectClaimed(Self.flag("linux", "cgroup", "rdma") == true, rdma, "linux.resources.rdma")
    }

    struct Part: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var claimed: Bool?
        var key: String
        var json: String
    }

    static let parts = [
        Part(
            testDescription: "apparmor", claimed: flag("linux", "apparmor", "enabled"),
            key: "process",
            json: #"{"cwd": "/", "args": ["sh"], "apparmorProfile": "unconfined"}"#),
        Part(
            testDescription: "selinux", claimed: flag("linux", "selinux", "enabled"),
            key: "process", json: #"{"cwd": "/", "args": ["sh"], "selinuxLabel": "a:b:c:s0"}"#),
        Part(
            testDescription: "intelRdt", claimed: flag("linux", "intelRdt", "enabled"),
            key: "linux",
            json: #"{"namespaces": [{"type": "mount"}], "intelRdt": {"closID": "one"}}"#),
        Part(
            testDescription: "memoryPolicy", claimed: list("linux", "memoryPolicy", "modes") != [],
            key: "linux",
            json: #"{"namespaces": [{"type": "mount"}], "memoryPolicy": "#
                + #"{"mode": "MPOL_PREFERRED", "nodes": "0"}}"#),
        Part(
            testDescription: "idmap",
            claimed: flag("linux", "mountExtensions", "idmap", "enabled"), key: "mounts",
            json: #"[{"destination": "/x", "type": "none", "source": "/x", "options": ["bind"], "#
                + #""uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}], "#
                + #""gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}]"#),
        Part(
            testDescription: "netDevices", claimed: flag("linux", "netDevices", "enabled"),
            key: "linux",
            json: #"{"namespaces": [{"type": "mount"}, {"type": "network"}], "#
                + #""netDevices": {"eth7": {}}}"#),
    ]

    @Test(arguments: parts)
    func `of single parts holds`(_ part: Part) throws {
        let claimed = try #require(part.claimed)
        expectClaimed(claimed, try errors(part.key, part.json), part.testDescription)
    }

    @Test func `of annotations that do something is complete`() {
        #expect(
            Self.list("potentiallyUnsafeConfigAnnotations") == [
                "org.criu.config", "org.systemd.property.", "run.oci.keep_original_groups",
                "run.oci.mount_context_type",
            ])
    }
}
