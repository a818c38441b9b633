import LinuxSystem
import Testing

@testable import Seccomp

/// Filters with notifications in the place of answers: nothing becomes possible that was not.
@Suite struct `A filter that notifies` {
    private func stacks(
        refused: Bool, allowed: Bool
    ) throws -> (before: FilterStack, after: FilterStack, filter: SeccompFilter) {
        let filter = try Profile(try defaultProfileText()).filter
        let notice = try NoticeFilter(
            filter, refused: refused, allowed: allowed, waitsKilled: true)
        let after = try #require(FilterStack([notice.filter]))
        return (notice.decisions, after, notice.filter)
    }

    @Test(arguments: [true, false], [true, false])
    func `allows and kills where the profile does, and asks in between`(
        _ refused: Bool, _ allowed: Bool
    ) throws {
        let (before, after, filter) = try stacks(refused: refused, allowed: allowed)
        #expect(filter.notifies)
        let values: [UInt64] = [0, 1, 2, 16, 38, 0x1000_0000, .max]
        for number in Array(0..<480 as Range<UInt32>) + [0x4000_0001] {
            let call = SystemCallNumber(number, on: AuditArchitecture.amd64.rawValue)
            if ["write", "sendmsg", "seccomp"].contains(call.name) { continue }
            for value in values {
                let arguments: [UInt64?] = [value, 0, 0, 0, 0, 0]
                let then = try #require(before.decide(call, arguments).answer)
                let now = try #require(after.decide(call, arguments).answer)
                switch then.kind {
                case .errno where refused, .allow where allowed: #expect(now.kind == .notify)
                default: #expect(now == then)
                }
            }
        }
    }

    @Test func `never asks about the calls that hand over the listener`() throws {
        let (_, after, _) = try stacks(refused: true, allowed: true)
        for name in ["write", "sendmsg"] {
            let call = try #require(SystemCallNumber(named: name))
            #expect(after.decide(call).answer == .allow)
        }
    }

    /// Of two filters that notify the newer one's listener is asked, and it may say: go on.
    @Test func `lets no program have a listener of its own`() throws {
        let (_, after, _) = try stacks(refused: true, allowed: false)
        let call = try #require(SystemCallNumber(named: "seccomp"))
        for flags: UInt64 in [8, 9, 0x28] {
            #expect(after.decide(call, [1, flags, nil]).answer?.words == "EBUSY")
        }
        #expect(after.decide(call, [1, 0, nil]).answer == .allow)
    }

    @Test func `cannot be made where write is decided by its arguments`() throws {
        let filter = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["write"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}
            """
        ).filter
        #expect(throws: Failure.self) {
            try NoticeFilter(filter, refused: true, allowed: false, waitsKilled: false)
        }
    }
}
