import LinuxSystem
import Testing

@testable import Explain

@Suite struct `The page of explain` {
    @Test func `has its words below the label where the screen is narrow`() {
        var wide = Page(columns: 60)
        wide.row("label", "some words")
        #expect(wide.text == "  label           some words\n")
        var narrow = Page(columns: 40)
        narrow.row("label", "some words")
        #expect(narrow.text == "  label\n    some words\n")
    }

    @Test(arguments: [20, 39, 40, 80])
    func `breaks lines between words, and a word that is longer than a line`(_ columns: Int) {
        var page = Page(columns: columns)
        let long = String(repeating: "p", count: 3 * columns)
        page.row("x", "one two \(long) three")
        page.note("four " + long)
        let lines = page.text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.joined().filter { $0 == "p" }.count == 6 * columns)
    }

    @Test func `a limit that is near is the first, with its share`() {
        var found = Explanation.ofRoot()
        found.limits = [LimitFact("pids", 4, use: 3, .count, place: "pids.max")]
        let text = found.text(columns: 80)
        #expect(text.contains("3 of 4 (75 %)") && text.contains("Next to its limit: pids, 75 %."))
    }

    @Test func `what is not known is said, and no way follows from it`() {
        var found = Explanation(title: "process 7 (sh)")
        found.unknown = ["the mounts: permission denied"]
        let text = found.text(columns: 80)
        #expect(text.contains("Not known\n") && text.contains("the mounts: permission denied"))
        #expect(text.contains("this user may not look at its namespaces"))
    }
}
