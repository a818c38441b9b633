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
        let root = try JSONDocument(Array(trace.json.prettyText.utf8)).root
        #expect(root["displayTimeUnit"]?.string == "ns")
        let events = try #require(root["traceEvents"]).elements
        #expect(events.map { $0["ph"]?.string } == ["M", "M", "X", "X"])
        #expect(events.map { $0["pid"]?.integer(Int.self) } == [1, 2, 1, 2])
        #expect(events[0]["args"]?["name"]?.string == "runtime process")
        #expect(events[1]["args"]?["name"]?.string == "container process")
        #expect(
            JSONOutput.array(events[2...].map(JSONOutput.init)).compactText == """
                [{"name":"run from a sealed mount of the runtime's own binary","cat":"step",\
                "ph":"X","ts":null,"dur":null,"pid":1,"tid":1,\
                "args":{"step":1,"origin":"default"}},\
                {"name":"execute sh","cat":"step","ph":"X","ts":null,"dur":null,\
                "pid":2,"tid":1,"args":{"step":\(last + 1),"origin":"config.json:3"}}]
                """)
        // Microseconds with three decimals, from the first step on.
        func text(_ index: Int, _ key: String) -> String? {
            events[index][key].map { String(decoding: $0.text, as: UTF8.self) }
        }
        #expect(text(2, "ts") == "0.000" && text(2, "dur") == "1.500")
        #expect(text(3, "ts") == "2.001" && text(3, "dur") == "0.000")
    }

    @Test func `without a timed step there are only the rows' names`() throws {
        let trace = try Trace(try ConfigFixture().plan())
        let root = try JSONDocument(Array(trace.json.compactText.utf8)).root
        #expect(root["traceEvents"]?.elements.count == 2)
    }

    @Test func `the file is written anew`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.file("trace.json", String(repeating: "x", count: 100_000))
        let trace = try Trace(try ConfigFixture().plan())
        try trace.write(to: path)
        #expect(try directory.text("trace.json") == trace.json.prettyText)
        let error = #expect(throws: Failure.self) { try trace.write(to: directory.path) }
        #expect(
            error?.message == "the trace \"\(directory.path)\" cannot be written: is a directory")
    }
}
