import Testing

struct HelpTests {
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
