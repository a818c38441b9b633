import Testing

@testable import Layers

struct LineDifferenceTests {
    private func hunks(_ old: String, _ new: String) -> String {
        String(decoding: LineDifference(Array(old.utf8), Array(new.utf8)).hunks, as: UTF8.self)
    }

    @Test func `an edit stands between three lines`() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
        #expect(
            hunks(old, old.replacing("5\n", with: "five\nV\n"))
                == "@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+V\n 6\n 7\n 8\n")
    }

    @Test func `a text that is new, gone, or without an end of line`() {
        #expect(hunks("", "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b\n")
        #expect(hunks("a\n", "") == "@@ -1 +0,0 @@\n-a\n")
        #expect(
            hunks("a", "a\n") == "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n")
        #expect(hunks("same\n", "same\n") == "")
    }

    /// What a reader of the hunks would make of the old text.
    @Test func `the edits make the new text of the old one`() {
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<500 {
            let old = (0..<random(12)).map { _ in "\(random(4))\n" }
            let new = (0..<random(12)).map { _ in "\(random(4))\n" }
            let difference = LineDifference(Array(old.joined().utf8), Array(new.joined().utf8))
            var made: [String] = []
            var position = 0
            for edit in difference.edits {
                made += old[position..<edit.old.lowerBound]
                #expect(made.count == edit.new.lowerBound)
                made += new[edit.new]
                position = edit.old.upperBound
            }
            made += old[position...]
            #expect(made == new, "\(old) \(new) \(difference.edits)")
        }
    }

    @Test func `texts that have nothing in common cost no more than they are long`() {
        let old = (0..<20000).map { "a\($0)\n" }.joined()
        let new = (0..<20000).map { "b\($0)\n" }.joined()
        let difference = LineDifference(Array(old.utf8), Array(new.utf8))
        #expect(difference.edits.count == 1)
        #expect(difference.edits.map(\.new.count) == [20000])
        #expect(difference.edits.map(\.old.count) == [20000])
    }
}
