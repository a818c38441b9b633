import Testing

@testable import ContainerRuntime

@Suite struct `Labels and profiles` {
    private static let label = "system_u:object_r:container_file_t:s0:c1,c2"

    private let plan: Plan

    init() throws {
        var config = fullConfig
        config.set(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"], "apparmorProfile": "box-default",
             "selinuxLabel": "system_u:system_r:container_t:s0:c1,c2"}
            """#)
        config.set(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "uts"}], "maskedPaths": ["/proc/acpi"],
             "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}, "mountLabel": "\#(Self.label)"}
            """#)
        plan = try config.plan()
    }

    private func first<Wanted: Step>(_ type: Wanted.Type) throws -> Int {
        try #require(plan.steps.firstIndex { $0.step is Wanted }, "\(type)")
    }

    @Test func `SELinux is required before anything is made`() throws {
        #expect(try first(RequireSELinux.self) < first(CreateNamespaces.self))
        #expect(
            plan.place(of: plan.steps[try first(RequireSELinux.self)].origin) == "config.json:4")
    }

    @Test func `the keyring is labeled before it is made`() throws {
        #expect(try first(LabelKeyring.self) < first(StartSession.self))
    }

    @Test func `the program is confined while the right to do so is there`() throws {
        for index in [try first(SetAppArmorProfile.self), try first(LabelProgram.self)] {
            #expect(try index < first(DropBoundingSet.self))
            #expect(try index < first(InstallSeccomp.self))
            #expect(try index < first(ChangeUser.self))
            #expect(try index > first(PivotRoot.self))
        }
    }

    @Test func `every mount that takes one gets the label`() throws {
        let mounts = plan.steps.compactMap { $0.step as? MountFileSystem }
        #expect(mounts.map(\.type) == ["proc", "tmpfs", "devpts"])
        #expect(mounts.allSatisfy { $0.label == Self.label })
        let overlay = try #require(plan.steps[try first(MountOverlay.self)].step as? MountOverlay)
        #expect(overlay.overlay.options == ["volatile", "context=" + Self.label])
        let mask = try #require(plan.steps[try first(MaskPath.self)].step as? MaskPath)
        #expect(mask.label == Self.label)
    }

    @Test func `empty ones ask for nothing`() throws {
        var config = ConfigFixture(
            "process", #"{"cwd": "/", "args": ["sh"], "apparmorProfile": "", "selinuxLabel": ""}"#)
        config.set("linux", #"{"namespaces": [{"type": "mount"}], "mountLabel": ""}"#)
        let steps = try config.plan().steps.map(\.step)
        #expect(
            !steps.contains {
                $0 is SetAppArmorProfile || $0 is LabelKeyring || $0 is LabelProgram
                    || $0 is RequireSELinux
            })
    }

    @Test(
        arguments: [
            ("nodev\tsysfs\nnodev\tselinuxfs\n\text4\n", true), ("nodev\tselinuxfs", true),
            ("nodev\tsysfs\n\text4\n", false), ("nodev\tnoselinuxfs\n", false), ("", false),
        ] as [(String, Bool)])
    func `SELinux is there when its file system is`(_ text: String, _ expected: Bool) {
        #expect(RequireSELinux.isEnabled(Array(text.utf8)) == expected)
    }

    @Test func `what the kernel would take for something else is refused`() throws {
        var config = ConfigFixture(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"],
             "apparmorProfile": " x", "selinuxLabel": "a:b\nc:d"}
            """#)
        config.set(
            "linux", #"{"namespaces": [{"type": "mount"}], "mountLabel": "a\",context=\"b"}"#)
        #expect(
            try config.diagnostics() == [
                #"config.json:4:21: process.apparmorProfile: " x" starts or ends with a space; remove"#
                    + " it",
                "config.json:4:43: process.selinuxLabel: contains a control character; remove it",
                "config.json:6:60: linux.mountLabel: contains a quotation mark; write"
                    + " user:role:type:level",
            ])
        config = ConfigFixture(
            "linux",
            #"{"namespaces": [{"type": "mount"}], "mountLabel": "\#(String(repeating: "x", count: 256))"}"#
        )
        #expect(try config.diagnostics().count == 1)
    }
}
