import LinuxSystem
import Testing

/// getopt keeps its place in global variables, so one test at a time.
@Suite(.serialized) struct `Command lines` {
    static let forms = [
        CommandLineParser.Form(long: "root", short: "r", takesValue: true),
        CommandLineParser.Form(long: "trace", short: nil, takesValue: true),
        CommandLineParser.Form(long: "json", short: "j", takesValue: false),
        CommandLineParser.Form(long: "tty", short: "t", takesValue: false),
    ]

    /// Options as `form=value` and then operands, or the failure.
    private func parse(_ arguments: [String]) -> [String] {
        do throws(CommandLineParser.Failure) {
            let result = try CommandLineParser.parse(arguments, Self.forms)
            return result.options.map { option in
                Self.forms[option.form].long + (option.value.map { "=" + $0 } ?? "")
            } + ["|"] + result.operands
        } catch {
            switch error {
            case .unknownOption(let word): return ["unknown", word]
            case .missingValue(let word): return ["missing", word]
            }
        }
    }

    static let table: [(arguments: [String], parsed: [String])] = [
        ([], ["|"]), (["a", "b"], ["|", "a", "b"]),
        (["--root", "/x"], ["root=/x", "|"]), (["--root=/x"], ["root=/x", "|"]),
        (["-r", "/x"], ["root=/x", "|"]), (["-r/x"], ["root=/x", "|"]),
        (["--root="], ["root=", "|"]), (["--root", "--json"], ["root=--json", "|"]),
        (["-jt"], ["json", "tty", "|"]), (["-jr", "x"], ["json", "root=x", "|"]),
        (["a", "--json", "b"], ["json", "|", "a", "b"]),
        (["a", "--", "--json", "-x"], ["|", "a", "--json", "-x"]),
        (["--", "--"], ["|", "--"]), (["-"], ["|", "-"]),
        (["--ro", "x"], ["root=x", "|"]), (["--j"], ["json", "|"]),
        (["--root", "a", "--root", "b"], ["root=a", "root=b", "|"]),
        (["é", "--root", "ü 😀"], ["root=ü 😀", "|", "é"]),
        (["--t"], ["unknown", "--t"]), (["--nope"], ["unknown", "--nope"]),
        (["--nope=1"], ["unknown", "--nope=1"]), (["--json=1"], ["json=1", "|"]),
        (["--json", "1"], ["json", "|", "1"]), (["-jt=1"], ["unknown", "-jt=1"]),
        (["-x"], ["unknown", "-x"]), (["a", "-x"], ["unknown", "-x"]),
        (["-jx"], ["unknown", "-jx"]),
        (["--root"], ["missing", "--root"]), (["-r"], ["missing", "-r"]),
        (["a", "--trace"], ["missing", "--trace"]),
    ]

    @Test(arguments: table)
    func `are read as getopt_long reads them`(
        _ row: (arguments: [String], parsed: [String])
    ) {
        #expect(parse(row.arguments) == row.parsed)
    }

    @Test func `can be read one after the other, in the middle of one even`() {
        for row in Self.table + Self.table.reversed() {
            #expect(parse(row.arguments) == row.parsed)
        }
    }

    @Test func `of this process are at hand`() {
        #expect(CommandLineParser.arguments == Array(CommandLine.arguments.dropFirst()))
    }
}
