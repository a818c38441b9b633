import Glibc
import LinuxSystem
import Testing

@testable import Cgroups

/// The cgroup itself, on the kernel that is here.
@Suite(.serialized) struct `A cgroup` {
    private static let name = "box-unit-\(getpid())"

    /// With the hierarchies that commands need, and processes in it.
    private func use(
        _ resources: Resources = Resources(), processes: Int = 0,
        _ body: (ControlGroup, [Member]) throws -> Void
    ) throws {
        let group = try ControlGroup.make(
            ControlGroupRequest(
                path: nil, name: Self.name, resources: resources, isManaged: true))
        var members: [Member] = []
        defer {
            try? group.signalAll(SIGKILL)
            for member in members { _ = member.signalAtEnd() }
            try? group.remove()
            for (_, path) in group.paths { #expect(access(path, F_OK) != 0, "\(path) is left") }
        }
        for _ in 0..<processes {
            let member = try Member()
            members.append(member)
            try group.add(process: member.pid)
        }
        try body(group, members)
    }

    @Test func `of a managed container can be frozen, measured and killed`() throws {
        try use(processes: 3) { group, members in
            let expected = Set(members.map(\.pid))
            #expect(try Set(group.processes()) == expected)
            #expect(!group.isFrozen)
            try group.freeze()
            #expect(group.isFrozen)
            try group.thaw()
            #expect(!group.isFrozen)
            #expect(group.statistics().compactText.contains(#""pids":{"current":3"#))
            try group.freeze()
            // Killed although they were frozen.
            try group.signalAll(SIGKILL)
            for member in members {
                #expect(member.signalAtEnd() == SIGKILL)
            }
        }
    }

    @Test func `is found again by its paths`() throws {
        try use(processes: 1) { group, members in
            let again = ControlGroup(paths: group.paths)
            #expect(try again.processes() == members.map(\.pid))
            try again.signalAll(SIGTERM)
            #expect(members[0].signalAtEnd() == SIGTERM)
            try again.remove()
            try again.remove()
            #expect(try again.processes().isEmpty)
        }
    }

    @Test func `counts processes of cgroups below, and goes with them`() throws {
        try use(processes: 1) { group, members in
            for (_, path) in group.paths {
                try #require(mkdir(path + "/below", 0o755) == 0)
                // In version 1 one that is new takes no process without.
                for file in ["cpuset.cpus", "cpuset.mems"] {
                    guard let value = GroupFile.read(path, file), !path.contains("unified") else {
                        continue
                    }
                    try GroupFile.write(path + "/below", file, value)
                }
            }
            try group.add(process: members[0].pid, inner: [ControlGroup.Inner(path: "below")])
            #expect(try group.processes() == members.map(\.pid))
            #expect(throws: Failure.self) {
                try group.add(
                    process: members[0].pid, inner: [ControlGroup.Inner(path: "../nowhere")])
            }
        }
    }

    @Test func `is not made twice, nor when it is frozen`() throws {
        try use { group, _ in
            let request = ControlGroupRequest(
                path: nil, name: Self.name, resources: Resources(), isManaged: true)
            #expect(throws: Failure.self) { try ControlGroup.make(request) }
            for (_, path) in group.paths { #expect(access(path, F_OK) == 0, "\(path) is gone") }
            // Of somebody who holds no lock, as after `create`.
            try group.freeze()
            var other = request
            other.path = Self.name
            let unheld = ControlGroup(paths: group.paths)
            #expect(unheld.isFrozen)
            #expect(throws: Failure.self) { try ControlGroup.make(other) }
            try group.thaw()
        }
    }

    @Test func `takes new limits in any order that they allow`() throws {
        let limits = #"{"memory": {"limit": 67108864}, "pids": {"limit": 20}}"#
        try use(try `Limits in files`.resources(limits)) { made, _ in
            var group = made
            for limit in [256 << 20, 32 << 20, -1] {
                let changed = #"{"memory": {"limit": \#(limit), "swap": \#(limit)}}"#
                try group.update(try `Limits in files`.resources(changed))
            }
            let wrong = try `Limits in files`.resources(#"{"cpu": {"quota": 1}}"#)
            #expect(throws: Failure.self) { try group.update(wrong) }
        }
    }
}

/// A process that sleeps and has no signal blocked.
private final class Member {
    let pid: pid_t
    private var status: CInt?

    init() throws {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, CShort(POSIX_SPAWN_SETSIGMASK))
        var arguments = [strdup("sleep"), strdup("1000"), nil]
        defer { for argument in arguments { free(argument) } }
        var found: pid_t = 0
        try #require(posix_spawn(&found, "/bin/sleep", nil, &attributes, &arguments, nil) == 0)
        pid = found
    }

    /// Waits for its end, and kills it when that does not come.
    func signalAtEnd() -> CInt {
        var found: CInt = status ?? 0
        if status == nil {
            var tries = 0
            while waitpid(pid, &found, WNOHANG) == 0 {
                tries += 1
                if tries == 5000 { kill(pid, SIGKILL) }
                usleep(1000)
            }
            status = found
        }
        return found & 0x7f
    }
}
