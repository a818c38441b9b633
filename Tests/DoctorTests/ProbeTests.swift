import JSON
import LinuxSystem
import SystemPackage
import Testing

@testable import Doctor

struct `A probe` {
    private var user: Subject {
        var subject = Subject(directory: "/tmp")
        subject.isPrivileged = false
        return subject
    }

    private func probe(
        _ need: Probe.Need = .some, since: String? = nil, mend: String? = nil,
        _ look: @escaping @Sendable (Subject) throws(Failure) -> Finding
    ) -> Probe {
        Probe("key", "title", for: "purpose", need, since: since, mend: mend, look: look)
    }

    @Test func `that fails with a call says which, and what mends it`() {
        let row = probe(mend: "do this") { _ throws(Failure) in
            throw Failure("mount", "proc", .notPermitted)
        }
        let finding = row.find(user)
        #expect(finding.verdict == .lacks)
        #expect(finding.said == "mount proc: operation not permitted")
        #expect(finding.remedy == "do this")
    }

    @Test func `of a call that the kernel does not know names the version that brought it`() {
        let row = probe(since: "6.13", mend: "do this") { _ throws(Failure) in
            throw Failure("fsconfig", "lowerdir+", .noFunction)
        }
        #expect(row.find(user).remedy == "boot Linux 6.13 or later")
    }

    @Test func `that ends with a finding of its own keeps it`() {
        let row = probe { _ throws(Failure) in throw .untried("no namespace") }
        #expect(row.find(user).verdict == .untried)
        #expect(row.find(user).said == "no namespace")
    }

    @Test func `is needed by everyone, by users, or by nobody`() {
        let works = { @Sendable (_: Subject) throws(Failure) in Finding.works() }
        var root = user
        root.isPrivileged = true
        #expect(probe(.everyone, works).isNeeded(by: user))
        #expect(probe(.everyone, works).isNeeded(by: root))
        #expect(probe(.users, works).isNeeded(by: user))
        #expect(!probe(.users, works).isNeeded(by: root))
        #expect(!probe(.some, works).isNeeded(by: user))
    }

    @Test func `sends its finding home as it is`() throws {
        let finding = Finding.lacks(
            "two\nlines \"quoted\"", "mend", facts: [("list", .array([.string("a"), .null]))])
        let back = try #require(Finding(encoded: finding.encoded))
        #expect(back.verdict == .lacks)
        #expect(back.said == finding.said)
        #expect(back.remedy == "mend")
        #expect(back.facts.map(\.value.prettyText) == finding.facts.map(\.value.prettyText))
        #expect(Finding(encoded: []) == nil)
        #expect(Finding(encoded: Array("{".utf8)) == nil)
    }

    @Test func `has a key of its own, and words for people`() {
        let all = Examination.groups.flatMap { group in
            group.probes.map { ("\(group.key).\($0.key)", $0) }
        }
        #expect(Set(all.map(\.0)).count == all.count)
        for (key, probe) in all {
            #expect(!probe.title.isEmpty && !probe.purpose.isEmpty, "\(key)")
            #expect(key.allSatisfy { $0.isLowercase || $0.isNumber || "-.".contains($0) }, "\(key)")
        }
    }
}

struct `An examination` {
    private func examination(_ verdicts: [(Finding, needed: Bool)]) -> Examination {
        Examination(
            rows: verdicts.enumerated().map { index, row in
                .init(
                    key: "g.\(index)", group: "g", title: "title \(index)", purpose: "purpose",
                    finding: row.0, isNeeded: row.needed)
            }, user: 1000, isPrivileged: false, directory: "/tmp", groups: [("g", "Group")])
    }

    @Test func `passes where only what some containers need is lacking`() {
        let found = examination([(.works(), true), (.lacks("no"), false), (.untried("x"), true)])
        #expect(found.canRun)
        #expect(found.conclusion == "vfs-run config.json can run here, as user 1000.")
    }

    @Test func `fails where something is lacking that this user needs`() {
        let found = examination([(.lacks("the kernel refuses", "do this"), true), (.works(), true)])
        #expect(!found.canRun)
        #expect(found.conclusion.contains("cannot run here, as user 1000: title 0: the kernel"))
    }

    @Test func `is a table of words, and of marks in colours for a terminal`() {
        let found = examination([
            (.works("well"), true), (.lacks("no", "do this"), false), (.lacks("never"), true),
            (.fact("so it is"), false), (.untried("not here"), false),
        ])
        let words = found.text(.init(hasMarks: false))
        #expect(!words.contains("\u{1b}"))
        for line in [
            "  ok   title 0  purpose  well", "  warn title 1  purpose  no", "→ do this",
            "  fail title 2  purpose  never", "  info title 3  purpose  so it is",
            "  -    title 4  purpose  not here",
        ] {
            #expect(words.contains(line + "\n"), "\(line)")
        }
        let marks = found.text(.init(hasMarks: true))
        for mark in ["✓", "!", "✗", "·"] { #expect(marks.contains(mark)) }
    }

    @Test func `is JSON with stable keys`() throws {
        let found = examination([(.lacks("no", "do this"), true)])
        let root = try JSONDocument(Array(found.json.compactText.utf8)).root
        #expect(root["works"]?.bool == false)
        let row = try #require(root["probes"]?.elements.first)
        #expect(
            row.members.compactMap(\.key.string) == [
                "key", "group", "tried", "for", "needed", "verdict", "said", "mend", "facts",
            ])
        #expect(row["mend"]?.string == "do this")
    }
}
