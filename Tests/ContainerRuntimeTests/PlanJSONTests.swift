import JSON
import Testing

@testable import ContainerRuntime

@Suite struct `Plans as JSON` {
    private func steps(_ invocation: Invocation = Invocation()) throws -> [JSONValue] {
        let text = try fullConfig.plan(invocation).json.prettyText
        return try JSONDocument(Array(text.utf8)).root.elements
    }

    @Test func `steps are numbered from one and name their side`() throws {
        let steps = try steps()
        #expect(steps.map { $0["step"]?.integer(Int.self) } == (1...steps.count).map { $0 })
        #expect(Set(steps.compactMap { $0["side"]?.string }) == ["runtime", "container"])
        for step in steps {
            #expect(step["does"]?.string?.isEmpty == false)
            #expect(step["undone"]?.string?.isEmpty == false)
        }
    }

    @Test func `a step of the config has file, line and path`() throws {
        let step = try #require(try steps().first { $0["does"]?.string == "enter /srv" })
        #expect(
            JSONOutput(step).compactText == """
                {"step":\(try #require(step["step"]?.integer(Int.self))),"side":"container",\
                "does":"enter /srv","undone":"goes with the container","origin":"config",\
                "file":"config.json","line":8,"path":"process.cwd"}
                """)
    }

    @Test func `a step of the command line names the argument`() throws {
        var invocation = Invocation()
        invocation.arguments = ["ls"]
        let step = try #require(
            try steps(invocation).first { $0["does"]?.string == "execute ls" })
        #expect(step["origin"]?.string == "argument")
        #expect(step["argument"]?.string == "--")
        #expect(step["line"] == nil)
    }

    @Test func `a step nobody asked for is a default`() throws {
        let step = try #require(try steps().first)
        #expect(step["origin"]?.string == "default")
        #expect(step.members.count == 5)
    }
}
