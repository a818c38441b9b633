import JSON
import LinuxSystem
import Seccomp
import Testing

@testable import Explain

/// What a process has chosen itself: its mounts, its name, its filters.
@Suite struct `Hostile processes` {
    /// Every line fits, nothing in it moves the cursor, and the JSON is JSON.
    private func check(_ found: Explanation) throws {
        for columns in [20, 40, 80] {
            for line in found.text(columns: columns).split(separator: "\n") {
                #expect(line.count <= columns, "\(line)")
                #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
                #expect(!line.unicodeScalars.contains { $0.value == 0x202e })
            }
        }
        let document = try JSONDocument(Array(found.json.compactText.utf8))
        #expect(document.root["mounts"]?.elements.count == found.mounts.all.count)
    }

    @Test func `name mounts with escape sequences, and nothing reaches the terminal`() throws {
        let names = [
            "/a\\033[31mred", "/b\u{1b}]0;title\u{07}", "/c\u{202e}txt", "/d\\012newline", "/e\\",
            "/f\\777", "/g\\0", "/" + String(repeating: "x", count: 5000),
        ]
        var table = mountLine(1, in: 0, "/")
        for (index, name) in names.enumerated() {
            table += mountLine(
                index + 2, in: 1, name, "tm\u{1b}pfs", root: name, options: "rw,\u{1b}[2J",
                source: "\u{1b}[1A" + name)
        }
        let found = Explanation.ofRoot().mounting(table, host: table)
        #expect(found.mounts.all.count == names.count + 1)
        try check(found)
        #expect(found.text(columns: 80).contains("\\x1b[31mred"))
    }

    @Test func `have a line of a megabyte, and many mounts`() throws {
        let long = String(repeating: "y", count: 1 << 20)
        try check(
            Explanation.ofRoot().mounting(
                mountLine(1, in: 0, "/") + mountLine(2, in: 1, "/" + long)))
        var table = mountLine(1, in: 0, "/")
        for id in 2...4000 { table += mountLine(id, in: 1, "/m\(id)") }
        let many = Explanation.ofRoot().mounting(table)
        #expect(many.mounts.isCut && many.mounts.all.count == 2000)
        try check(many)
        // Each in the one before: as deep as the most bytes that are read can tell.
        var chain = ""
        for id in 1...700 {
            chain += mountLine(
                id, in: id - 1, id == 1 ? "/" : String(repeating: "/d", count: id - 1))
        }
        try check(Explanation.ofRoot().mounting(chain))
    }

    @Test(
        arguments: [
            "", "\n\n\n", "1 1 8:1 / / rw - ext4 x rw\n",
            "1 2 8:1 / / rw - a b c\n2 1 8:1 / /x rw - a b c\n",
            "9223372036854775807 -1 8:1 / / rw - a b c\n", "x y z\n", "1 0 8:1 / / rw -\n",
            "1 0 8:1 / / rw a - - - -\n1 0 8:1 / / rw a - - - -\n",
            "1 0 8:1  / rw  - ext4  rw rw rw\n",
        ])
    func `have tables that no kernel writes`(_ table: String) throws {
        try check(Explanation.ofRoot().mounting(table))
    }

    private func instruction(_ code: UInt16, _ yes: UInt8, _ no: UInt8, _ constant: UInt32)
        -> [UInt8]
    {
        [UInt8(code & 0xff), UInt8(code >> 8), yes, no]
            + (0..<4).map { UInt8(constant >> ($0 * 8) & 0xff) }
    }

    /// Each argument is compared with many values, and each filter doubles the ways: without a bound a
    /// few of them take hours.
    @Test func `have filters with more ways than anyone walks`() throws {
        var program: [UInt8] = []
        for round in 0..<500 as Range<UInt32> {
            program += instruction(0x20, 0, 0, 16 + round % 12 * 4)
            program += instruction(0x45, 0, 0, 1 << (round % 32))
            program += instruction(0x04, 0, 0, round)
        }
        program += instruction(0x06, 0, 0, 0x7fff_0000)
        let filters = [SeccompFilter](
            repeating: SeccompFilter(program: program, flags: 0), count: 40)
        let stack = try #require(FilterStack(filters))
        var found = Explanation.ofRoot()
        found.seccomp.mode = .filter
        let clock = ContinuousClock()
        let time = clock.measure { found.seccomp.take(stack, "read from the process") }
        #expect(time < .seconds(60))
        try check(found)
        #expect(try #require(found.seccomp.decisions.first).answers.isEmpty == false)
    }

    @Test func `have filters that jump out of themselves`() throws {
        for code in [0x05, 0x15, 0x35, 0x45, 0x06, 0x16, 0x20, 0x61, 0x34, 0xff] as [UInt16] {
            for constant in [0, 1, 62, .max] as [UInt32] {
                let program = instruction(code, 255, 255, constant) + instruction(0x07, 1, 1, 0)
                guard let stack = FilterStack([SeccompFilter(program: program, flags: 0)]) else {
                    continue
                }
                var found = Explanation.ofRoot()
                found.seccomp.mode = .filter
                found.seccomp.take(stack, "read from the process")
                try check(found)
            }
        }
    }
}
