import Testing

@testable import ContainerRuntime

@Suite struct `Words of a shell script` {
    @Test(arguments: [
        ("plain", "'plain'"), ("", "''"), ("it's", "'it'\\''s'"), ("'", "''\\'''"),
        ("$(reboot) `x` \\ \"y\"", "'$(reboot) `x` \\ \"y\"'"), ("two\nlines", "'two\nlines'"),
        ("cut\0off", "'cut'"),
    ])
    func `a value is quoted so that the shell obeys nothing in it`(value: String, quoted: String) {
        #expect(ShellWord.value(value).text == quoted)
        #expect(ShellWord.path(value).text == "\"$root\"" + quoted)
    }

    @Test func `a step without a command is a comment that says so`() throws {
        let script = try ConfigFixture().plan().shellScript
        let lines = script.split(separator: "\n").map(String.init)
        let seal = try #require(lines.firstIndex { $0.contains("run from a sealed mount") })
        #expect(lines[seal + 1].contains("No command: only a program that makes the calls itself"))
    }
}
