import Foundation
import LinuxSystem
import Testing

@testable import ContainerRuntime

/// What steps say of themselves: docs/steps.md and `vfs-run plan --explain`.
struct `The manual of steps` {
    private let kinds = RuntimeSection.all.flatMap { $0.kinds }
    private let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardizedFileURL

    @Test func `is the page that is in docs`() throws {
        let page = try String(contentsOf: root.appending(path: "docs/steps.md"), encoding: .utf8)
        #expect(page == StepManual.page, "make docs writes docs/steps.md")
    }

    /// The one that a person puts in by `--stop-at` is no step of a start.
    @Test func `has every step that there is, in the section that its folder is named after`()
        throws
    {
        let steps = root.appending(path: "Sources/ContainerRuntime/Steps")
        let files = try #require(FileManager.default.enumerator(atPath: steps.path))
        let declaration = /(?m)^(?:\w+ )?struct (\w+): (?:Runtime|Turn|Container|Spawning)Step\b/
        var found: [String: Set<String>] = [:]
        for case let name as String in files where name.hasSuffix(".swift") {
            let text = try String(contentsOf: steps.appending(path: name), encoding: .utf8)
            let matches = text.matches(of: declaration)
            #expect(matches.count <= 1, "\(name): a step is a file of its own")
            for match in matches {
                #expect(name.hasSuffix("/\(match.1).swift"))
                found[String(name.prefix { $0 != "/" }), default: []].insert(String(match.1))
            }
        }
        #expect(found.values.joined().count > 100)
        for section in RuntimeSection.all {
            let folder = "\(section)".replacing("Section", with: "")
            let own = Set(section.kinds.map { "\($0)" })
            #expect(found[folder] ?? [] == own)
        }
    }

    @Test func `says of each what happens, by which calls, and why there`() {
        #expect(Set(kinds.map { $0.manual.name }).count == kinds.count)
        for manual in kinds.map({ $0.manual }) {
            #expect(manual.what.hasSuffix("."), "\(manual.name)")
            #expect(manual.why.hasSuffix("."), "\(manual.name)")
            #expect(
                !manual.calls.isEmpty && !manual.calls.contains(".")
                    && !manual.calls.contains("_ "),
                "\(manual.name)")
        }
    }

    @Test func `is printed once for each kind, with lines that fit`() throws {
        var invocation = Invocation()
        invocation.hasTerminal = true
        let text = try fullConfig.plan(invocation).explainedText()
        #expect(text.contains("        Why here: "))
        #expect(text.contains("        Calls: clone3\n"))
        #expect(text.contains("        as step "))
        for line in text.split(separator: "\n") where line.hasPrefix("        ") {
            #expect(line.count <= 96, "\(line)")
        }
    }
}

/// `--stop-at`, as it changes a plan.
struct `Stops in a plan` {
    private func failure(_ words: [String]) throws -> String? {
        do throws(Failure) {
            _ = try plan.stopping(at: words)
            return nil
        } catch {
            return error.message
        }
    }
    private let plan: Plan

    init() throws {
        plan = try ConfigFixture().plan()
    }

    @Test func `stand before the step that is numbered, and change nothing else`() throws {
        let stopped = try plan.stopping(at: ["5"])
        #expect(stopped.steps.count == plan.steps.count + 1)
        #expect(stopped.steps[4].step.summary == "stop before step 5")
        #expect(stopped.steps[5].step.summary == plan.steps[4].step.summary)
        #expect(stopped.steps[4].side == .runtime)
    }

    @Test func `are found by words of one step's line`() throws {
        let stopped = try plan.stopping(at: ["pivot_root", "execute"])
        let stops = stopped.steps.indices.filter { stopped.steps[$0].step is StopHere }
        #expect(stops.count == 2)
        #expect(stopped.steps[stops[0] + 1].step is PivotRoot)
        #expect(stopped.steps[stops[1] + 1].step is Execute)
    }

    @Test func `may stand before all but the seal`() throws {
        let stopped = try plan.stopping(at: ["all", "3"])
        #expect(stopped.steps.count == 2 * plan.steps.count - 1)
        #expect(stopped.steps[0].step is RequireSeal)
    }

    @Test func `are refused where no step is meant, or more than one`() throws {
        #expect(try failure(["0"])?.contains("there is no step 0") == true)
        #expect(try failure(["1"])?.contains("from 2 to \(plan.steps.count)") == true)
        #expect(try failure(["999"])?.contains("there is no step 999") == true)
        #expect(try failure(["teleport"])?.contains("no step contains \"teleport\"") == true)
        #expect(try failure([""])?.contains("no step contains") == true)
        #expect(try failure(["the "])?.contains("give the number of one") == true)
    }
}
