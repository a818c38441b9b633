import LinuxSystem
import Testing

@testable import Sandbox

/// Words of isolate's command line, as isolate 2.6 reads them.
@Suite struct `A directory rule` {
    private typealias Row = (String, String, DirectoryRule.Source, DirectoryRule.Options)

    private static let rows: [Row] = [
        (
            "etc:noexec", "/etc", DirectoryRule.Source.host("/etc"),
            DirectoryRule.Options.notExecutable
        ),
        ("/etc", "/etc", .host("/etc"), []),
        ("/tmp=/srv/home:rw", "/tmp", .host("/srv/home"), .writable),
        ("data=./box/data:rw:maybe", "/data", .box("box/data"), [.writable, .optional]),
        ("/dev/shm:tmp", "/dev/shm", .temporary("dev:shm"), [.temporary, .writable]),
        ("//a//./b/:norec:dev", "/a/b", .host("/a/b"), [.alone, .devices]),
        ("x=tmpfs:fs:rw", "/x", .fileSystem("tmpfs"), [.fileSystem, .writable]),
        ("/usr=", "/usr", .nothing, []),
    ]

    @Test(arguments: rows)
    private func `has a place, a source and options`(
        _ row: Row
    ) throws {
        let rule = try DirectoryRule(row.0)
        #expect(rule.place == row.1)
        #expect(rule.source == row.2)
        #expect(rule.options == row.3)
    }

    @Test(arguments: [
        "", "/", "../etc", "a/../b", "a=b", "a=./../b", "a=.", "a:zz", "a=ext4:fs", "a:fs",
        "a=/b:tmp", "a=proc:fs:tmp", "a=./",
    ])
    func `that leads out of the box, or is none, is refused`(_ text: String) {
        #expect(throws: Failure.self) { try DirectoryRule(text) }
    }

    @Test func `takes the place of an earlier one, and its turn`() throws {
        let rules = DirectoryRule.rules(
            [
                try DirectoryRule("tmp=/srv:rw"), try DirectoryRule("etc"),
                try DirectoryRule("bin="),
            ],
            withDefaults: true)
        #expect(
            rules.map(\.place) == [
                "/box", "/dev", "/dev/shm", "/lib", "/lib64", "/proc", "/tmp", "/usr", "/etc",
            ])
        #expect(rules[6].source == .host("/srv"))
        #expect(DirectoryRule.rules([], withDefaults: false).isEmpty)
    }
}

@Suite struct `Variables of a box` {
    private let caller = ["A=1", "B=2", "PATH=/bin"]

    @Test func `are those that are named`() throws {
        #expect(
            try EnvironmentRules.variables(
                ["HOME=/tmp", "B", "GONE", "A=x", "A="], of: caller, passesAll: false)
                == ["LIBC_FATAL_STDERR_=1", "HOME=/tmp", "B=2"])
    }

    @Test func `are all of the caller's with --full-env`() throws {
        #expect(
            try EnvironmentRules.variables(["B="], of: caller, passesAll: true)
                == ["A=1", "PATH=/bin", "LIBC_FATAL_STDERR_=1"])
        #expect(throws: Failure.self) {
            try EnvironmentRules.variables(["=x"], of: caller, passesAll: true)
        }
    }
}
