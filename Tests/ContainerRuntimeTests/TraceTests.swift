import JSON
import LinuxSystem
import TestSupport
import Testing

@testable import ContainerRuntime

/// The format is Chrome's: "Trace Event Format", JSON object form, complete events.
@Suite struct `Traces` {
    @Test func `every timed step is a complete event on its process's row`() throws {
        let plan = try ConfigFixture().plan()
        let trace = try Trace(plan)
        let last = plan.steps.count - 1
        trace.times.record(0, start: 5_000_000, end: 5_001_500)
        trace.times.record(last, start: 5_002_001, end: 5_002_001)
        trace.times.record(.end, of: plan, start: 9_002_001, end: 9_002_001)
        let root = try JSONDocument(Array(trace.json.prettyText.utf8)).root
        #expect(root["displayTimeUnit"]?.string == "ns")
        let events = try #require(root["traceEvents"]).elements
        #expect(events.map { $0["ph"]?.string } == ["M", "M", "M", "M", "X", "X", "X"])
        #expect(events.map { $0["pid"]?.integer(Int.self) } == [1, 1, 2, 2, 1, 2, 2])
        #expect(
            events[..<4].map { $0["name"]?.string }
                == ["process_name", "thread_name", "process_name", "thread_name"])
        #expect(events[1]["args"]?["name"]?.string == "runtime process")
        #expect(events[3]["args"]?["name"]?.string == "container process")
        #expect(
            JSONOutput.array(events[4...].map(JSONOutput.init)).compactText == """
                [{"name":"run from a sealed mount of the runtime's own binary",\
                "cat":"The runtime process, on the host",\
                "ph":"X","ts":null,"dur":null,"pid":1,"tid":1,\
                "args":{"step":1,"origin":"default"}},\
                {"name":"execute sh","cat":"The program","ph":"X","ts":null,"dur":null,\
                "pid":2,"tid":1,"args":{"step":\(last + 1),"origin":"config.json:3"}},\
                {"name":"the program runs","cat":"program","ph":"X","ts":null,"dur":null,\
                "pid":2,"tid":1,"args":{}}]
                """)
        // Microseconds with three decimals, from the first step on.
        func text(_ index: Int, _ key: String) -> String? {
            events[index][key].map { String(decoding: $0.text, as: UTF8.self) }
        }
        #expect(text(4, "ts") == "0.000" && text(4, "dur") == "1.500")
        #expect(text(5, "ts") == "2.001" && text(5, "dur") == "0.000")
        #expect(text(6, "ts") == "2.001" && text(6, "dur") == "4000.000")
    }

    @Test func `without a timed step there are only the rows' names`() throws {
        let trace = try Trace(try ConfigFixture().plan())
        let root = try JSONDocument(Array(trace.json.compactText.utf8)).root
        #expect(root["traceEvents"]?.elements.count == 4)
    }

    @Test func `a table has a line for each span, with its time in words`() throws {
        let plan = try ConfigFixture().plan()
        let trace = try Trace(plan)
        trace.times.record(0, start: 5_000_000, end: 5_001_500)
        trace.times.record(1, start: 6_000_000, end: 18_000_000)
        let lines = trace.table.split(separator: "\n").map(String.init)
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("   1  runtime        0.0 µs      1.5 µs  "))
        #expect(
            lines[2].hasPrefix("   2  runtime        1.0 ms     12.0 ms  ██████████"),
            "\(lines[2])")
        #expect(lines[3] == "in all 13.0 ms")
        #expect(try Trace(plan).table == "no step was taken\n")
    }

    @Test func `a page holds its data as text that no name can leave`() throws {
        let hostile = "</script><img src=x onerror=alert(1)><!--\u{1b}[31m\u{202e}&"
        let process: JSONOutput = .object([("cwd", "/"), ("args", .strings([hostile]))])
        let plan = try ConfigFixture("process", process.compactText).plan()
        let trace = try Trace(plan)
        for index in plan.allSteps.indices {
            trace.times.record(index, start: 1000 + UInt64(index), end: 2000 + UInt64(index))
        }
        let page = trace.page
        #expect(!page.contains("<img") && !page.contains("\u{1b}") && !page.contains("\u{202e}"))
        #expect(!page.contains("@DATA@"))
        let parts = page.components(of: "</script>")
        #expect(parts.count == 3)
        let data = try JSONDocument(Array(parts[0].components(of: "id=\"data\">")[1].utf8)).root
        #expect(data["spans"]?.elements.count == plan.allSteps.count)
        let last = try #require(
            data["spans"]?.elements.last { $0["topic"]?.string == "execute the program" })
        #expect(last["does"]?.string?.hasPrefix("execute </script><img") == true)
        #expect(last["why"]?.string?.isEmpty == false && last["changes"] != nil)
    }

    @Test func `what a step changes is told with what was there before`() throws {
        let plan = try ConfigFixture().plan()
        let changes = PlanChanges(plan).steps
        #expect(changes.count == plan.allSteps.count)
        let pivot = try #require(plan.steps.firstIndex { $0.step is PivotRoot })
        #expect(
            changes[pivot] == [
                .init(what: "the root", before: "the host's tree", after: "the container's tree")
            ])
    }

    @Test func `the file is written anew`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.file("trace.json", String(repeating: "x", count: 100_000))
        let trace = try Trace(try ConfigFixture().plan())
        try TraceFile(path).write(trace)
        #expect(try directory.text("trace.json") == trace.json.prettyText)
        let error = #expect(throws: Failure.self) { try TraceFile(directory.path).write(trace) }
        #expect(
            error?.message == "the trace \"\(directory.path)\" cannot be written: is a directory")
    }
}

extension String {
    fileprivate func components(of separator: String) -> [String] {
        var parts = [""]
        var rest = self[...]
        while let character = rest.first {
            if rest.hasPrefix(separator) {
                parts.append("")
                rest = rest.dropFirst(separator.count)
            } else {
                parts[parts.count - 1].append(character)
                rest = rest.dropFirst()
            }
        }
        return parts
    }
}
