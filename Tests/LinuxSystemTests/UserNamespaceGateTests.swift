import SystemPackage
import Testing

@testable import LinuxSystem

struct `What forbids user namespaces` {
    struct Row: Sendable {
        var gates: UserNamespaceGates
        var errno: Errno
        var words: String
        var remedy: String
    }

    static let making = [
        Row(
            gates: .init(maximum: 0), errno: .noSpace, words: "user.max_user_namespaces is 0",
            remedy: "sysctl -w user.max_user_namespaces=15000"),
        Row(
            gates: .init(maximum: 9000), errno: .noSpace,
            words: "as many user namespaces as may be",
            remedy: "sysctl -w user.max_user_namespaces=15000"),
        Row(
            gates: .init(unprivilegedClone: 0), errno: .notPermitted,
            words: "kernel.unprivileged_userns_clone is 0",
            remedy: "sysctl -w kernel.unprivileged_userns_clone=1"),
        Row(
            gates: .init(unprivilegedClone: 0, isChrooted: true, isPrivileged: true),
            errno: .notPermitted, words: "in a chroot", remedy: "run it outside the chroot"),
        Row(
            gates: .init(isFiltered: true), errno: .notPermitted, words: "a seccomp filter",
            remedy: "seccomp=unconfined"),
        Row(
            gates: .init(isFiltered: true), errno: .noFunction, words: "a seccomp filter",
            remedy: "seccomp=unconfined"),
        Row(
            gates: .init(), errno: .notPermitted, words: "has no number in the user namespace",
            remedy: "run it outside the chroot"),
        Row(
            gates: .init(isRestrictedByAppArmor: true), errno: .permissionDenied,
            words: "kernel.apparmor_restrict_unprivileged_userns is 1",
            remedy: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        Row(
            gates: .init(), errno: .invalidArgument, words: "CONFIG_USER_NS",
            remedy: "boot one that has them"),
    ]

    @Test(arguments: making)
    func `is named with the command that mends it`(_ row: Row) {
        let obstacle = row.gates.obstacle(toMaking: row.errno)
        #expect(obstacle.sentence.contains(row.words))
        #expect(obstacle.remedy?.contains(row.remedy) == true)
    }

    @Test func `may also leave one that is good for nothing`() {
        let restricted = UserNamespaceGates(isRestrictedByAppArmor: true)
        #expect(restricted.obstacle(toUsing: .permissionDenied).sentence.contains("AppArmor"))
        let other = UserNamespaceGates().obstacle(toUsing: .notPermitted)
        #expect(other.sentence.contains("a security module"))
    }

    @Test func `includes a root that no mount lies on`() {
        let whole = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /proc rw - proc proc rw\n"
        let jail = "23 22 0:5 / /proc rw - proc proc rw\n"
        #expect(UserNamespaceGates.mountsShowRoot(whole))
        #expect(!UserNamespaceGates.mountsShowRoot(jail))
        #expect(UserNamespaceGates.mountsShowRoot(""))
        #expect(UserNamespaceGates.mountsShowRoot(nil))
    }

    @Test func `is read from this host`() {
        let gates = UserNamespaceGates.read()
        #expect(gates.maximum != nil)
        #expect(!gates.isChrooted)
    }

    @Test func `is told by capabilities as procfs writes them`() {
        let status = "Name:\tx\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"
        #expect(CapabilitySet.effective(in: status).contains(.administrator))
        #expect(!CapabilitySet.effective(in: "CapEff:\t0000000000000000").contains(.administrator))
        #expect(KernelSetting.field("Seccomp", in: status) == "0")
        #expect(KernelSetting.field("Missing", in: status) == nil)
    }
}
