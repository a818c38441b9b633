import LinuxSystem
import Testing

@testable import Cgroups

/// What a filter answers, by a small interpreter of its instructions.
private struct Machine {
    let instructions: [DeviceFilter.Instruction]

    func allows(
        _ kind: DeviceRule.Kind, _ major: UInt32, _ minor: UInt32, _ access: DeviceRule.Access
    )
        throws -> Bool
    {
        let context = [access.rawValue << 16 | (kind == .block ? 1 : 2), major, minor]
        var registers = [UInt32](repeating: 0xdead, count: 11)
        var counter = 0
        while instructions.indices.contains(counter) {
            let one = instructions[counter]
            let target = Int(one.destination)
            counter += 1
            switch one.code {
            case 0x61: registers[target] = context[Int(one.offset) / 4]
            case 0xbc: registers[target] = registers[Int(one.source)]
            case 0xb4: registers[target] = one.value
            case 0x54: registers[target] &= one.value
            case 0x74: registers[target] >>= one.value
            case 0x56: if registers[target] != one.value { counter += Int(one.offset) }
            case 0x16: if registers[target] == one.value { counter += Int(one.offset) }
            case 0x95: return registers[0] == 1
            default: throw Failure("unknown instruction \(one.code)")
            }
        }
        throw Failure("ran off its end")
    }
}

@Suite struct `Filter of devices` {
    private func machine(_ rules: [DeviceRule], standard: Bool = false) throws -> Machine {
        let policy = try DevicePolicy(rules, standard: standard ? DeviceRule.standard : [])
        return Machine(instructions: DeviceFilter(policy).instructions)
    }

    @Test func `without exceptions answers one thing`() throws {
        #expect(try !machine([]).allows(.character, 1, 3, .read))
        #expect(
            try machine([DeviceRule(allows: true, kind: .any)]).allows(.block, 8, 0, .all))
    }

    @Test func `allows standard devices and making any`() throws {
        let machine = try machine([], standard: true)
        #expect(try machine.allows(.character, 1, 3, [.read, .write]))
        #expect(try machine.allows(.character, 136, 7, [.read, .write]))
        #expect(try machine.allows(.block, 8, 0, .make))
        #expect(try !machine.allows(.block, 8, 0, .read))
        #expect(try !machine.allows(.character, 1, 1, .read))
        #expect(try !machine.allows(.block, 1, 3, .read))
        #expect(try !machine.allows(.character, 10, 229, [.read, .write]))
    }

    @Test func `allows no more access than the rule`() throws {
        let machine = try machine([
            DeviceRule(allows: true, kind: .character, major: 10, minor: 229, access: .read)
        ])
        #expect(try machine.allows(.character, 10, 229, .read))
        #expect(try !machine.allows(.character, 10, 229, [.read, .write]))
        #expect(try !machine.allows(.character, 10, 229, .make))
    }

    /// A device opened for reading and writing is denied where writing is.
    @Test func `denies what asks for any of the denied`() throws {
        let machine = try machine([
            DeviceRule(allows: true, kind: .any),
            DeviceRule(allows: false, kind: .block, major: 8, access: .write),
        ])
        #expect(try machine.allows(.block, 8, 1, .read))
        #expect(try !machine.allows(.block, 8, 1, [.read, .write]))
        #expect(try machine.allows(.block, 9, 1, [.read, .write]))
    }

    @Test func `compares numbers of 32 bits`() throws {
        let machine = try machine([
            DeviceRule(allows: true, kind: .character, major: .max, minor: 0x8000_0000)
        ])
        #expect(try machine.allows(.character, .max, 0x8000_0000, .read))
        #expect(try !machine.allows(.character, 0xffff, 0x8000_0000, .read))
    }

    @Test func `is encoded as the kernel reads it`() throws {
        let filter = DeviceFilter(try DevicePolicy([]))
        #expect(filter.instructions[0].encoded == 0x0000_0000_0000_1261)
        #expect(filter.instructions.last?.encoded == 0x95)
    }
}
