import Foundation
import Testing

@testable import ContainerRuntime

/// docs/steps.md as `vfs-run plan --explain` prints it.
struct `The manual of steps` {
    private let manual = StepManual()

    @Test func `has a row for every kind of step`() {
        for (kind, topic) in StepManual.topics {
            #expect(
                manual.entries.contains { $0.topic == topic },
                "\(kind): docs/steps.md has no row \"\(topic)\"")
        }
    }

    /// The one that a person puts in by `--stop-at` is no step of a start.
    @Test func `has one for every step that there is`() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/ContainerRuntime").standardizedFileURL
        let files = try #require(FileManager.default.enumerator(atPath: sources.path))
        let declaration = /(?m)^(?:\w+ )?struct (\w+): (?:Spawning)?Step\b/
        var found: Set<String> = []
        for case let name as String in files where name.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: name), encoding: .utf8)
            for match in text.matches(of: declaration) { found.insert(String(match.1)) }
        }
        let known = Set(StepManual.topics.map { String(describing: $0.kind) })
        #expect(found.count > 60)
        #expect(found.subtracting(known) == ["StopHere"])
    }

    @Test func `says of each what happens, by which calls, and why there`() {
        #expect(manual.entries.count > 40)
        #expect(Set(manual.entries.map(\.topic)).count == manual.entries.count)
        let topics = Set(StepManual.topics.map(\.topic))
        for entry in manual.entries where topics.contains(entry.topic) {
            #expect(entry.what.hasSuffix("."), "\(entry.topic)")
            #expect(entry.why.hasSuffix("."), "\(entry.topic)")
            #expect(!entry.calls.isEmpty && !entry.calls.contains("."), "\(entry.topic)")
        }
    }

    @Test func `explains the steps of a config that has them all`() throws {
        var invocation = Invocation()
        invocation.hasTerminal = true
        for planned in try fullConfig.plan(invocation).steps
        where StepManual.topic(of: planned.step) != nil {
            #expect(
                manual.entry(for: planned.step)?.what.isEmpty == false,
                "\(planned.step): a row in docs/steps.md")
        }
    }

    @Test func `is put together from the two kinds of rows`() {
        let page = """
            # Title
            | step | why here |
            | --- | --- |
            | *one*, `two` | Because. |
            | three | Last. |
            text | with | bars | in it |
            | step | what happens | calls |
            | *one*, `two` | It **does**. | call |
            """
        #expect(
            StepManual(page).entries == [
                .init(topic: "one, two", what: "It does.", calls: "call", why: "Because."),
                .init(topic: "three", what: "", calls: "", why: "Last."),
            ])
    }

    @Test func `is printed once for each kind, with lines that fit`() throws {
        var invocation = Invocation()
        invocation.hasTerminal = true
        let text = try fullConfig.plan(invocation).explainedText
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
        do throws(Plan.UnknownStep) {
            _ = try plan.stopping(at: words)
            return nil
        } catch {
            return error.sentence
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
        #expect(stopped.steps[4].step.side == .runtime)
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
        #expect(try failure(["teleport"])?.contains("no step's line has \"teleport\"") == true)
        #expect(try failure([""])?.contains("no step's line") == true)
        #expect(try failure(["the "])?.contains("name one by its number") == true)
    }
}
