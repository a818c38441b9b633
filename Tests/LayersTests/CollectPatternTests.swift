import Testing

@testable import Layers

struct CollectPatternTests {
    private func matches(_ pattern: String, _ path: String) throws -> Bool {
        try CollectPattern(pattern).matches(path.split(separator: "/").map { Array($0.utf8) })
    }

    @Test(arguments: [
        (".", "a/b", true), ("*", "a", true), ("*", "a/b", true), ("*", ".a", false),
        (".*", ".a", true), ("a", "a/.b/c", true), ("a/", "a/b", true), ("a", "ab", false),
        ("*.log", "x.log", true), ("*.log", "d/x.log", false), ("**/*.log", "x.log", true),
        ("**/*.log", "d/e/x.log", true), ("**/*.log", "d/.e/x.log", false),
        ("d/**", "d/.e/x", true), ("d/**", "e", false), ("d/**/x", "d/x", true),
        ("d/**/**/x", "d/a/b/x", true), ("?", "ä", true), ("?", "ab", false), ("a?c", "abc", true),
        ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbY", false), ("/tmp/*", "tmp/x", true),
        ("./out//*.txt", "out/a.txt", true), ("[ab]", "a", false), ("[ab]", "[ab]", true),
        ("out/*", "out", false), ("**", ".a", true), ("*/x", ".d/x", false),
    ])
    func `a pattern matches a path or a directory above it`(
        pattern: String, path: String, isMatch: Bool
    ) throws {
        #expect(try matches(pattern, path) == isMatch)
    }

    @Test func `many wildcards take no time to fail`() throws {
        let name = String(repeating: "a", count: 255)
        let pattern = String(repeating: "*a", count: 100) + "b"
        #expect(try !matches(pattern, name))
        let way = Array(repeating: "a", count: 2000).joined(separator: "/")
        #expect(try !matches(String(repeating: "**/", count: 500) + "b", way))
    }

    @Test(arguments: [
        ("", CollectPattern.Refusal.empty), ("../x", .leadsUp), ("a/../b", .leadsUp),
        (String(repeating: "a", count: 4097), .tooLong), ("a\0b", .tooLong),
    ])
    func `what is no pattern is refused`(text: String, refusal: CollectPattern.Refusal) {
        #expect(throws: refusal) { try CollectPattern(text) }
    }
}
