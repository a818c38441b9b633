import Glibc
import Testing

/// Limits where version 2 alone is mounted on `/sys/fs/cgroup`, as on most hosts: here in a mount
/// namespace that shows it so. Which controllers it has is the kernel's choice; make test-vm is
/// where it has all.
@Suite(.enabled(if: geteuid() == 0, "mounting needs root"))
struct UnifiedHostTests {
    /// Runs the runtime behind `script`, which says `"$@"` where it is to run.
    private func run(_ box: Sandbox, _ resources: Value, _ script: String) throws -> Outcome {
        var config = box.config()
        config["linux"]["resources"] = resources
        config.run(["/bin/cat", "/proc/self/cgroup"])
        let file = try box.write("bundle/config.json", config.prettyText)
        let left = "\ncode=$?; ls -d /sys/fs/cgroup/vfs-run-$pid* >&2; exit $code"
        return try shell(script + left, [Host.runtime, file])
    }

    private func shell(_ script: String, _ arguments: [String]) throws -> Outcome {
        let unshare = try #require(Host.find("unshare"))
        let mount = ControlGroups.showVersion2 + " || exit 99\n"
        return try Running(
            unshare,
            ["--mount", "--propagation", "private", "/bin/sh", "-c", mount + script, "sh"]
                + arguments
        ).finish()
    }

    private static let start = #""$@" & pid=$!; wait $pid"#
    private static let gone = "No such file or directory"

    @Test func `a limit that every cgroup has`() throws {
        try Sandbox.use { box in
            let outcome = try run(
                box, ["unified": ["cgroup.max.descendants": "10"]], Self.start)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains("0::/\n"), "\(outcome)")
            #expect(outcome.error.contains(Self.gone), "\(outcome)")
        }
    }

    static let cases = [
        RefusedLimit(
            "a value", ["unified": ["cgroup.max.descendants": "many"]],
            ["\"many\"", "cgroup.max.descendants", "does not take this value"]),
        RefusedLimit("a file", ["unified": ["cgroup.no": "1"]], ["cgroup.no", "does not have it"]),
        RefusedLimit(
            "a controller of version 1", ["network": ["classID": 1]],
            ["net_cls is missing on this host", "/sys/fs/cgroup"]),
    ]

    @Test(arguments: cases) func `what it does not have is an error`(_ case: RefusedLimit) throws {
        try Sandbox.use { box in
            let outcome = try run(box, `case`.resources, Self.start)
            #expect(outcome.code == 125, "\(outcome)")
            for word in `case`.words { #expect(outcome.error.contains(word), "\(outcome)") }
            #expect(outcome.error.contains(Self.gone), "\(outcome)")
        }
    }

    /// An engine in the container gives its own containers limits by them.
    @Test func `a container that commands manage has every controller of the host`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup"))
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)/inner")
            try box.prepare(config, arguments: ["/bin/cat", "/sys/fs/cgroup/cgroup.controllers"])
            let outcome = try shell(
                #""$@"; cat /sys/fs/cgroup/cgroup.controllers"#,
                [Host.runtime, "--root", box.stateRoot, "run", "-b", box.bundle, box.id()])
            #expect(outcome.code == 0, "\(outcome)")
            let lines = outcome.output.split(separator: "\n")
            if lines.isEmpty { try skip("version 2 has no controllers here; make test-vm") }
            #expect(lines.count == 2 && lines[0] == lines[1], "\(outcome)")
        }
    }

    /// The whole tree is mounted, and its root is not this namespace's: nothing tells where the
    /// runtime's own cgroup is in it.
    @Test func `from a namespace of cgroups nothing is made in the host's root`() throws {
        try Sandbox.use { box in
            let script = """
                own=/sys/fs/cgroup/vfs-test-$$; mkdir $own && echo $$ > $own/cgroup.procs || exit 99
                unshare --cgroup "$@" & pid=$!; wait $pid; code=$?
                echo $$ > /sys/fs/cgroup/cgroup.procs; rmdir $own; (exit $code)
                """
            let outcome = try run(
                box, ["unified": ["cgroup.max.descendants": "10"]], script)
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains("is missing: no cgroups are mounted"), "\(outcome)")
            #expect(outcome.error.contains(Self.gone), "\(outcome)")
        }
    }
}
