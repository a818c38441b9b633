import Testing

@testable import ContainerRuntime

/// The order of a restore's steps.
struct RestorePlanTests {
    private func plan(_ config: ConfigFixture = ConfigFixture()) throws -> Plan {
        var container = Configuration.Container(
            id: try ContainerID("restored"), store: ContainerStore(root: "/run/x"), waits: false)
        container.restoring = CheckpointOptions(imagePath: "/images")
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.container = container
        return try config.plan(invocation)
    }

    private func place<Wanted: Step>(_ type: Wanted.Type, _ plan: Plan) throws -> Int {
        try #require(plan.steps.firstIndex { $0.step is Wanted }, "\(type)")
    }

    @Test func `confines what criu hands on, and verifies before anything runs`() throws {
        let plan = try plan()
        let places = [
            try place(OpenImages.self, plan), try place(ReserveContainer.self, plan),
            try place(StartWatchdog.self, plan), try place(CreateNamespaces.self, plan),
            // Restored processes have the keyring of the process that becomes criu.
            try place(StartKeyring.self, plan), try place(BecomeCRIU.self, plan),
            try place(RestoreNamespaces.self, plan), try place(RestoreProcesses.self, plan),
            try place(VerifyRestored.self, plan), try place(RecordContainer.self, plan),
            try place(ResumeProcesses.self, plan), try place(EndWatchdog.self, plan),
        ]
        #expect(places == places.sorted(), "\(plan.text)")
    }

    @Test func `is refused for what criu does not restore`() throws {
        for (key, value, words) in [
            ("vfs", #"{"init": true}"#, "vfs.init"),
            ("vfs", #"{"overlay": {"layers": []}}"#, "a root without layers"),
        ] {
            #expect {
                _ = try plan(ConfigFixture(key, value))
            } throws: { "\($0)".contains(words) }
        }
    }
}
