import Cgroups
import Testing

@testable import ContainerRuntime

/// Which containers get a cgroup, and in which order.
@Suite struct `Plans with a control group` {
    private func steps(
        _ linux: String, _ invocation: Invocation = Invocation(), mounts: String = "[]"
    ) throws -> [String] {
        var config = ConfigFixture("linux", linux)
        config.set("mounts", mounts)
        return try config.plan(invocation).steps.map(\.step.summary).filter {
            $0.contains("control group") || $0.contains("new namespace") || $0.contains("die when")
                || $0.contains("join") || $0.contains("pivot_root")
        }
    }

    private static let pivot = "change the root (pivot_root) and detach the host's tree"
    private static let tie = "die when the runtime process dies"

    @Test func `make it before the process and enter it before its namespace is made`() throws {
        #expect(
            try steps(
                #"{"namespaces": [{"type": "mount"}, {"type": "cgroup"}, {"type": "pid"}], "#
                    + #""cgroupsPath": "/a", "resources": {"memory": {"limit": 67108864}}}"#) == [
                    "make the control group /a: memory 64M",
                    "make the init process in new namespaces: mount, pid", Self.tie,
                    "enter the control group",
                    "make a namespace of control groups, with its root here", Self.pivot,
                ])
    }

    @Test func `of systemd end the anchor when the process is in`() throws {
        var invocation = Invocation()
        invocation.asksSystemd = true
        let config = try ConfigFixture(
            "linux",
            #"{"namespaces": [{"type": "mount"}], "cgroupsPath": "a.slice:b:c", "#
                + #""resources": {"pids": {"limit": 5}}}"#
        ).plan(invocation)
        let summaries = config.steps.map(\.step.summary)
        let made = try #require(
            summaries.firstIndex(of: "make b-c.scope in a.slice through systemd: pids 5"))
        let entered = try #require(summaries.firstIndex(of: "enter the control group"))
        #expect(made < entered)
        #expect(summaries[entered + 1] == "end the process that the scope was made around")
    }

    @Test(arguments: [
        (#"["nosuid"]"#, true, true), (#"["ro"]"#, true, false), (#"["rw"]"#, false, false),
    ])
    func `give it away where it is mounted for writing`(
        _ options: String, _ ownNamespace: Bool, _ gives: Bool
    ) throws {
        let namespace = ownNamespace ? #", {"type": "cgroup"}"# : ""
        let found = try steps(
            #"{"namespaces": [{"type": "mount"}\#(namespace)], "cgroupsPath": "/a", "#
                + #""resources": {"pids": {"limit": 5}}}"#,
            mounts:
                #"[{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "#
                + #""options": \#(options)}]"#)
        #expect(found.contains("give the control group to the user 0") == gives)
    }

    @Test func `enter it before a namespace is joined`() throws {
        let found = try steps(
            #"{"namespaces": [{"type": "mount"}, {"type": "cgroup", "path": "/x"}], "#
                + #""resources": {"pids": {"limit": 5}}}"#)
        #expect(
            found == [
                "make the control group: pids 5",
                "make the init process in new namespaces: mount", Self.tie,
                "enter the control group", "join the cgroup namespace /x", Self.pivot,
                "remove control groups that killed runtime processes have left",
            ])
    }

    @Test(arguments: [
        #"{"namespaces": [{"type": "mount"}, {"type": "cgroup"}], "cgroupsPath": "/a"}"#,
        #"{"namespaces": [{"type": "mount"}, {"type": "cgroup"}], "resources": {"memory": {}}}"#,
    ])
    func `are only made where there is a limit`(_ linux: String) throws {
        #expect(
            try steps(linux) == [
                "make the init process in new namespaces: mount, cgroup", Self.tie, Self.pivot,
            ])
        var managed = Invocation()
        managed.controlGroups = .always
        // Only a cgroup under a name that is made up can have others like it.
        let isNamed = linux.contains("cgroupsPath")
        #expect(try steps(linux, managed).count == (isNamed ? 6 : 7))
        managed.controlGroups = .disabled
        #expect(try steps(linux, managed).count == 3)
    }

    @Test func `without a namespace bind what is shown before the host's tree goes`() throws {
        #expect(
            try steps(
                #"{"namespaces": [{"type": "mount"}]}"#,
                mounts: #"[{"destination": "/sys/fs/cgroup", "type": "cgroup"}]"#) == [
                    "find the host's control group hierarchies",
                    "make the init process in new namespaces: mount", Self.tie,
                    "open the container's control groups for binding", Self.pivot,
                    "mount a read-only view of control groups on /sys/fs/cgroup",
                ])
    }
}
