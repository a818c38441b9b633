import Testing

@testable import ContainerRuntime

/// Steps that break something when they change places; the reason stands in each row.
@Suite struct `Order of steps` {
    private func first<Wanted: Step>(_ type: Wanted.Type, _ plan: Plan) throws -> Int {
        try #require(plan.steps.firstIndex { $0.step is Wanted }, "\(type)")
    }

    private func last<Wanted: Step>(_ type: Wanted.Type, _ plan: Plan) throws -> Int {
        try #require(plan.steps.lastIndex { $0.step is Wanted }, "\(type)")
    }

    private let plan: Plan

    init() throws {
        var invocation = Invocation()
        invocation.hasTerminal = true
        plan = try fullConfig.plan(invocation)
    }

    @Test func `the runtime's steps come before the container's`() throws {
        let sides = plan.steps.map(\.side)
        let boundary = try #require(sides.firstIndex(of: .container))
        #expect(sides[..<boundary].allSatisfy { $0 == .runtime })
        // But for a turn that the init process waits for.
        #expect(
            plan.steps[boundary...].allSatisfy { $0.side == .container || $0.step is WatchProcess })
        #expect(try first(CreateNamespaces.self, plan) == boundary - 1)
    }

    @Test func `the seal is first and exec is last`() throws {
        #expect(try first(RequireSeal.self, plan) == 0)
        #expect(try first(Execute.self, plan) == plan.steps.count - 1)
    }

    @Test func `the init process is reset, and tied to the runtime before anything else`() throws {
        let made = try first(CreateNamespaces.self, plan)
        #expect(try first(ResetProcess.self, plan) == made + 1)
        #expect(try first(TieToRuntime.self, plan) == made + 2)
    }

    /// A process in there may look into any other.
    @Test func `a joined pid namespace gets a process when nothing takes rights any more`() throws {
        let made = try first(CreateNamespaces.self, plan)
        #expect(try first(JoinProcesses.self, plan) > made)
        #expect(try first(JoinNamespace.self, plan) > made)
        let entry = try first(EnterProcesses.self, plan)
        #expect(try first(CloseDescriptors.self, plan) < entry)
        #expect(try first(ChangeUser.self, plan) < entry)
        #expect(try first(SetCapabilities.self, plan) < entry)
        #expect(try first(VerifyRights.self, plan) < entry)
        #expect(try first(InstallSeccomp.self, plan) > entry)
    }

    /// Its root is nobody to files of the host's.
    @Test func `with a user namespace the runtime moves the init process into groups`() throws {
        let plan = try ConfigFixture(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
             "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
             "intelRdt": {"closID": "one"}}
            """#
        ).plan()
        #expect(!plan.steps.contains { $0.step is EnterResctrlGroup })
        #expect(try first(MoveIntoResctrlGroup.self, plan) < first(WriteMappings.self, plan))
    }

    @Test(arguments: [#", {"type": "pid"}"#, #", {"type": "pid", "path": "/p"}"#, ""])
    func `the host's proc stands in for none that shows other processes`(_ own: String) throws {
        var fixture = ConfigFixture(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "user"}\#(own)],
             "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
             "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}]}
            """#)
        fixture.set("mounts", #"[{"destination": "/proc", "type": "proc", "source": "proc"}]"#)
        let mounts = try fixture.plan().steps.compactMap { $0.step as? MountFileSystem }
            .filter { $0.type == "proc" }
        #expect(mounts.map(\.mayStandIn) == [own.isEmpty])
    }

    @Test func `mounts are separated from the host's before the first mount`() throws {
        #expect(try first(SeparateMounts.self, plan) < first(MountOverlay.self, plan))
        #expect(try first(SeparateMounts.self, plan) < first(OpenBindSource.self, plan))
    }

    @Test func `sources and layers are opened while the host's tree is there`() throws {
        #expect(try last(OpenBindSource.self, plan) < first(PivotRoot.self, plan))
        #expect(try first(MountOverlay.self, plan) < first(PivotRoot.self, plan))
    }

    @Test func `nothing is mounted or made in the container before the pivot`() throws {
        let pivot = try first(PivotRoot.self, plan)
        for index in [
            try first(MountFileSystem.self, plan), try first(AttachBind.self, plan),
            try first(MountControlGroups.self, plan), try first(Remount.self, plan),
            try first(MakeDefaultDevices.self, plan), try first(MakeDevice.self, plan),
            try first(SetRootPropagation.self, plan),
        ] { #expect(index > pivot) }
    }

    @Test func `mounts keep the order of the config`() throws {
        let places = plan.steps.map(\.step.summary).filter {
            $0.hasPrefix("mount") && !$0.contains("overlay") || $0.hasPrefix("remount")
        }.map { $0.split(separator: " ").first { $0.hasPrefix("/") && $0 != "/bundle/data" } }
        #expect(places == ["/proc", "/dev", "/dev/pts", "/data", "/sys/fs/cgroup", "/proc"])
    }

    @Test func `the root is made read-only after all that is made in it`() throws {
        let protect = try first(ProtectRoot.self, plan)
        #expect(try last(MakeDevice.self, plan) < protect)
        #expect(try last(MaskPath.self, plan) < protect)
        #expect(try last(AttachBind.self, plan) < protect)
    }

    @Test func `devices are there before files are masked with one`() throws {
        #expect(try first(MakeDefaultDevices.self, plan) < first(MaskPath.self, plan))
        #expect(try first(OpenTerminal.self, plan) < first(StartSession.self, plan))
    }

    @Test func `the bounding set goes before the user, the other sets after`() throws {
        #expect(try first(DropBoundingSet.self, plan) < first(ChangeUser.self, plan))
        #expect(try first(ChangeUser.self, plan) < first(SetCapabilities.self, plan))
        #expect(try first(SetLimit.self, plan) < first(ChangeUser.self, plan))
    }

    @Test func `limits stand behind what opens files`() throws {
        #expect(try first(SetLimit.self, plan) > first(EnterWorkingDirectory.self, plan))
        #expect(try first(SetLimit.self, plan) > first(FindHome.self, plan))
        let own = try ConfigFixture(
            "process",
            #"""
            {"cwd": "/", "args": ["sh"],
             "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10}]}
            """#
        ).plan()
        #expect(try first(SetLimit.self, own) > first(StartSession.self, own))
    }

    @Test func `the caller's limits come back before the user changes and before the filter`()
        throws
    {
        let step = try first(LeaveCallersLimits.self, plan)
        #expect(try step > first(SetLimit.self, plan))
        #expect(try step < first(ChangeUser.self, plan))
        #expect(try step < first(InstallSeccomp.self, plan))
        let named = try #require(plan.steps[step].step as? LeaveCallersLimits)
        #expect(named.setsFiles)
    }

    @Test func `few descriptors are left to the program where a step behind needs more`() throws {
        var config = fullConfig
        config.set(
            "hooks", #"{"startContainer": [{"path": "/bin/true"}]}"#)
        let plan = try config.plan()
        #expect(try first(SetLimit.self, plan) > first(RunContainerHooks.self, plan))
        #expect(try first(SetLimit.self, plan) == first(Execute.self, plan) - 1)
    }

    @Test func `with no-new-privileges the filter comes last before exec`() throws {
        #expect(try first(ForbidNewPrivileges.self, plan) < first(ChangeUser.self, plan))
        #expect(try first(InstallSeccomp.self, plan) == plan.steps.count - 2)
        #expect(try first(CloseDescriptors.self, plan) < first(InstallSeccomp.self, plan))
    }

    @Test func `without it the filter is installed while there is the right to`() throws {
        var config = fullConfig
        config.set("process", #"{"cwd": "/", "args": ["sh"], "noNewPrivileges": false}"#)
        let plan = try config.plan()
        #expect(!plan.steps.contains { $0.step is ForbidNewPrivileges })
        #expect(try first(InstallSeccomp.self, plan) < first(ChangeUser.self, plan))
        #expect(try first(InstallSeccomp.self, plan) > first(DropBoundingSet.self, plan))
        #expect(plan.steps.count { $0.step is InstallSeccomp } == 1)
    }

    @Test func `every layer and the upper are locked before a process is made`() throws {
        var invocation = Invocation()
        invocation.upper = "/keep"
        let plan = try fullConfig.plan(invocation)
        #expect(try last(LockLayer.self, plan) < first(CreateNamespaces.self, plan))
        #expect(try first(LockUpper.self, plan) < first(CreateNamespaces.self, plan))
        #expect(plan.steps.count { $0.step is LockLayer } == 2)
    }

    @Test func `the program is looked for as its user, before anybody is told of the container`()
        throws
    {
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.hasTerminal = true
        var container = Configuration.Container(
            id: try ContainerID("x"), store: ContainerStore(root: "/states"), waits: true)
        container.consoleSocket = "/socket"
        container.pidFile = "/pid"
        invocation.leavesTerminal = true
        invocation.container = container
        let plan = try fullConfig.plan(invocation)
        let find = try first(FindProgram.self, plan)
        #expect(try find > first(ChangeUser.self, plan))
        #expect(try find > first(EnterWorkingDirectory.self, plan))
        #expect(try find < first(RecordContainer.self, plan))
        #expect(try find < first(WritePIDFile.self, plan))
        #expect(!self.plan.steps.contains { $0.step is FindProgram })
    }
}
