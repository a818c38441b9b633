import LinuxSystem
import Testing

@testable import Cgroups

@Suite struct `Policy of devices` {
    private static let null = DeviceRule(allows: true, kind: .character, major: 1, minor: 3)
    private static let denyAll = DeviceRule(allows: false, kind: .any)
    private static let allowAll = DeviceRule(allows: true, kind: .any)

    private func lines(_ rules: [DeviceRule], standard: [DeviceRule] = []) throws -> [String] {
        try DevicePolicy(rules, standard: standard).version1.map { "\($0.file) \($0.value)" }
    }

    @Test func `without a rule denies everything`() throws {
        #expect(try lines([]) == ["devices.deny a"])
    }

    @Test func `is what came last`() throws {
        #expect(
            try lines([Self.denyAll, Self.null]) == ["devices.deny a", "devices.allow c 1:3 rwm"])
        #expect(try lines([Self.null, Self.denyAll]) == ["devices.deny a"])
        #expect(try lines([Self.denyAll, Self.null, Self.allowAll]) == ["devices.allow a"])
    }

    @Test func `merges rules of one device`() throws {
        var read = Self.null
        read.access = .read
        var write = Self.null
        write.access = .write
        #expect(try lines([read, write]) == ["devices.deny a", "devices.allow c 1:3 rw"])
        write.allows = false
        #expect(try lines([Self.null, write]) == ["devices.deny a", "devices.allow c 1:3 rm"])
    }

    @Test func `takes out what lies inside a wider rule`() throws {
        let all = DeviceRule(allows: false, kind: .character, major: 1, access: [.write])
        #expect(try lines([Self.null, all]) == ["devices.deny a", "devices.allow c 1:3 rm"])
    }

    @Test(arguments: [
        DeviceRule(allows: true, kind: .character),
        DeviceRule(allows: true, kind: .character, major: 1),
        DeviceRule(allows: true, kind: .character, minor: 3),
    ])
    func `refuses a hole that the kernel would not make`(_ wider: DeviceRule) throws {
        var denied = Self.null
        denied.allows = false
        #expect(throws: Failure.self) { try DevicePolicy([wider, denied]) }
    }

    @Test func `of a privileged container keeps its standard devices and all others`() throws {
        #expect(try lines([Self.allowAll], standard: DeviceRule.standard) == ["devices.allow a"])
    }

    @Test func `keeps what the config denies in so many words`() throws {
        let misc = DeviceRule(allows: false, kind: .character, major: 10)
        #expect(
            try lines([Self.allowAll, misc], standard: DeviceRule.standard) == [
                "devices.allow a", "devices.deny c 10:* rw",
            ])
    }
}
