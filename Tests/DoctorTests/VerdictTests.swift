import JSON
import LinuxSystem
import SystemPackage
import Testing

@testable import Cgroups
@testable import Doctor

struct `What a probe's facts amount to` {
    private func fact(_ finding: Finding, _ key: String) -> String {
        finding.facts.first { $0.key == key }?.value.compactText ?? "none"
    }

    // MARK: The file system of an upper

    @Test(arguments: ["ext4": 0xef53, "xfs": 0x5846_5342, "tmpfs": 0x0102_1994])
    func `a file system that holds an upper is named`(_ name: String, _ magic: Int) {
        let finding = Subject.fileSystem(.init(rawValue: Int64(magic)), isReadOnly: false)
        #expect(finding.verdict == .fact)
        #expect(fact(finding, "type") == "\"\(name)\"")
    }

    @Test(arguments: ["overlay": 0x794c_7630, "nfs": 0x6969, "vfat": 0x4d44])
    func `one that cannot is lacking`(_ name: String, _ magic: Int) {
        let finding = Subject.fileSystem(.init(rawValue: Int64(magic)), isReadOnly: false)
        #expect(finding.verdict == .lacks)
        #expect(finding.said.hasPrefix(name))
    }

    @Test func `a read-only or an unknown one is told as it is`() {
        #expect(Subject.fileSystem(.init(rawValue: 0xef53), isReadOnly: true).verdict == .lacks)
        #expect(Subject.fileSystem(.init(rawValue: 0xabc), isReadOnly: false).said == "0xabc")
    }

    // MARK: Numbers of users

    @Test func `a user without ranges is told how to get some`() {
        let five = [SubordinateIDs.Range(first: 100_000, count: 5)]
        let none = Subject.subordinates(users: [], groups: [], name: "ann")
        #expect(none.verdict == .lacks)
        #expect(none.said.contains("no subordinate users and groups for ann"))
        #expect(none.remedy?.hasPrefix("usermod --add-subuids") == true)
        let half = Subject.subordinates(users: five, groups: [], name: "ann")
        #expect(half.said.contains("no subordinate groups for ann"))
        let both = Subject.subordinates(users: five, groups: five + five, name: "ann")
        #expect(both.verdict == .works)
        #expect(both.said == "5 users, 10 groups for ann")
    }

    @Test func `helpers are there, and have power, or are named`() {
        #expect(HelperProgram.verdict(missing: [], powerless: []).verdict == .works)
        let missing = HelperProgram.verdict(missing: ["newgidmap"], powerless: ["/x/newuidmap"])
        #expect(missing.said == "newgidmap is not installed")
        #expect(missing.remedy?.hasPrefix("apt-get install uidmap") == true)
        let powerless = HelperProgram.verdict(missing: [], powerless: ["/usr/bin/newuidmap"])
        #expect(powerless.remedy == "chmod u+s /usr/bin/newuidmap")
    }

    // MARK: Rights and filters

    @Test func `root without a right that a start takes is told which`() {
        let names = CapabilitySet.names
        let all = CapabilitySet(rawValue: .max)
        #expect(Subject.capabilities(all, user: 0, names: names).verdict == .works)
        let less = all.subtracting(.administrator)
        let finding = Subject.capabilities(less, user: 0, names: names)
        #expect(finding.verdict == .lacks)
        #expect(finding.said == "missing: CAP_SYS_ADMIN")
        #expect(fact(finding, "missing") == "[\"CAP_SYS_ADMIN\"]")
        #expect(Subject.capabilities([], user: 1000, names: names).verdict == .fact)
        #expect(Subject.capabilities([], user: 0, names: names).verdict == .lacks)
    }

    @Test func `one that no start takes is not missed`() throws {
        let time = try #require(CapabilitySet(name: "CAP_SYS_TIME"))
        let finding = Subject.capabilities(
            CapabilitySet(rawValue: .max).subtracting(time), user: 0, names: CapabilitySet.names)
        #expect(finding.verdict == .works)
        #expect(finding.said == "all but CAP_SYS_TIME")
    }

    @Test func `a filter counts by what it denies`() {
        #expect(Subject.filter(denied: []).verdict == .works)
        let finding = Subject.filter(denied: ["mount", "unshare"])
        #expect(finding.verdict == .lacks)
        #expect(finding.said == "it denies mount, unshare")
    }

    @Test func `limits that a container would feel are named, with what lifts them`() {
        let plenty = ResourceLimit.allCases.map { ($0, UInt64.max) }
        #expect(Subject.limits(plenty).verdict == .works)
        let finding = Subject.limits(plenty + [(.openFiles, 16)])
        #expect(finding.verdict == .works, "the first of two counts")
        let few = Subject.limits([(.openFiles, 16), (.processes, .max)])
        #expect(few.verdict == .lacks)
        #expect(few.said.hasPrefix("RLIMIT_NOFILE is 16"))
        #expect(few.remedy?.contains("ulimit -n") == true)
    }

    @Test func `a map is whole where every number is itself`() {
        #expect(Subject.isWhole("         0          0 4294967295\n"))
        #expect(!Subject.isWhole("0 1000 1\n"))
        #expect(!Subject.isWhole(nil))
    }

    // MARK: Mounts

    @Test func `a proc that is refused is explained by what is covered`() {
        let covered = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi"]
        let finding = Subject.mounting(
            "proc", Failure("fsmount", "proc", .notPermitted), covered: covered)
        #expect(finding.verdict == .lacks)
        #expect(finding.said.contains("(/proc/kcore, /proc/keys, /proc/timer_list and 1 more)"))
        #expect(finding.remedy?.contains("systempaths=unconfined") == true)
        let other = Subject.mounting(
            "proc", Failure("fsmount", "proc", .noMemory), covered: covered)
        #expect(other.said == "fsmount proc: cannot allocate memory")
    }

    // MARK: Control groups

    @Test func `control groups of every layout are told apart`() {
        func version(_ mounts: String, _ own: String) -> String {
            let facts = ControlGroupFacts(hierarchies: .init(mounts: mounts, memberships: own))
            return fact(facts.version, "version")
        }
        let second = "30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        let first = "31 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        #expect(version(second, "0::/\n") == "\"2\"")
        #expect(version(first, "2:memory:/\n") == "\"1\"")
        #expect(version(second + first, "2:memory:/\n0::/\n") == "\"hybrid\"")
        #expect(fact(ControlGroupFacts(hierarchies: nil).version, "version") == "\"none\"")
        #expect(ControlGroupFacts(hierarchies: nil).version.remedy?.contains("cgroup2") == true)
    }

    @Test func `a controller that limits need is missed`() {
        let mounts = "31 23 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
        let facts = ControlGroupFacts(
            hierarchies: .init(mounts: mounts, memberships: "2:pids:/\n"))
        #expect(facts.offered.verdict == .lacks)
        #expect(facts.offered.said == "missing: memory, cpu")
        #expect(fact(facts.offered, "there") == "[\"pids\"]")
    }

    @Test func `controllers that are not handed on are named`() {
        #expect(ControlGroupFacts.delegating(nil, ofVersion1: []).verdict == .untried)
        let all = ["memory", "cpu", "pids"]
        #expect(ControlGroupFacts.delegating(["hugetlb"], ofVersion1: all).verdict == .fact)
        #expect(ControlGroupFacts.delegating(all + ["io"], ofVersion1: []).verdict == .works)
        let user = ControlGroupFacts.delegating(["memory", "pids"], ofVersion1: [])
        #expect(user.verdict == .lacks)
        #expect(user.said == "not cpu")
        #expect(user.remedy?.contains("Delegate=") == true)
        #expect(fact(user, "controllers") == #"["memory","pids"]"#)
    }

    @Test func `a cgroup that cannot be made names the place, the reason and the way out`() {
        let works = ControlGroupFacts.making([("/c/a", nil), ("/c/b", nil)], isRoot: true)
        #expect(works.verdict == .works)
        let user = ControlGroupFacts.making(
            [("/c/a", .permissionDenied), ("/c/b", .permissionDenied)], isRoot: false)
        #expect(user.verdict == .lacks)
        #expect(user.said == "mkdir \"/c/a\": permission denied, and 1 more")
        #expect(user.remedy?.contains("Delegate=yes") == true)
        let readOnly = ControlGroupFacts.making([("/c/a", .readOnlyFileSystem)], isRoot: true)
        #expect(readOnly.remedy?.contains("read-write") == true)
    }
}
