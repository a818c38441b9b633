import Testing

struct HelpTests {
    /// A screen of that width, and a pipe, which gets a line for each row.
    @Test(arguments: [40, 80]) func `plan and doctor fit the screen`(_ columns: Int) throws {
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", box.config().prettyText)
            for words in [["plan"], ["plan", "--explain"], ["plan", "--tree"], ["doctor"]] {
                let operands = words[0] == "doctor" ? [] : [file]
                let narrow = try Running(
                    Host.runtime, words + ["--width", "\(columns)"] + operands
                ).finish().output
                for line in narrow.split(separator: "\n") {
                    #expect(line.count <= columns, "\(words): \(line)")
                }
                let wide = try Running(Host.runtime, words + operands).finish().output
                func letters(_ text: String) -> Int { text.count { $0.isLetter } }
                // Nothing is cut off.
                #expect(letters(narrow) >= letters(wide) * 9 / 10, "\(words)")
                #expect(wide.split(separator: "\n").contains { $0.count > 80 }, "\(words)")
            }
            let screen = try PseudoTerminal(rows: 24, columns: UInt16(columns))
            let run = try Running(Host.runtime, ["plan", file], input: .terminal(screen.name))
            let shown = try screen.waitFor("execute")
            #expect(shown.split(separator: "\r\n").allSatisfy { $0.count <= columns }, "\(shown)")
            #expect(try run.finish().code == 0)
        }
    }

    /// Of the commands in the overview, and of the one-shot form.
    @Test func `every help text fits into 80 columns`() throws {
        let overview = try Running(Host.runtime, ["help"]).finish().output
        let names = overview.split(separator: "\n").filter {
            $0.hasPrefix("  ") && $0.dropFirst(2).first?.isLetter == true
        }.compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(names.count > 20 && names.contains("sandbox"), "\(names)")
        for name in [nil] + names {
            let text = try Running(Host.runtime, ["help"] + (name.map { [$0] } ?? [])).finish()
            for line in text.output.split(separator: "\n") {
                #expect(line.count <= 80, "\(name ?? "help"): \(line)")
            }
        }
    }
}
