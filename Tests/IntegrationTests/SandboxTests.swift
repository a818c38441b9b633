import Glibc
import Testing

/// That the fixture would notice what it is there to notice.
struct SandboxTests {
    @Test func `runtime, watchdog and container are found by the sandbox's directory`() throws {
        try Sandbox.use { box in
            for config in [box.config(), try sharing(box)] {
                let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
                _ = try run.readLine()
                let container = try #require(HostProcess.initProcess(of: run.pid))
                let found = Set(HostProcess.concerned(with: box.directory))
                #expect(found.isSuperset(of: [run.pid, container]))
                #expect(found.count == 3, "\(found)")
                run.send(SIGTERM)
                _ = try run.finish()
            }
        }
    }

    private func sharing(_ box: Sandbox) throws -> Value {
        try box.makeRoot()
        return box.plainConfig()
    }

    @Test(arguments: ["write", "touch", "chmod", "remove", "add", "link", "replace"])
    func `a file that was touched is seen`(_ how: String) throws {
        try Sandbox.use { box in
            let before = TreeSnapshot(box.directory)
            switch how {
            case "write": try box.write("canary/file", "untouched?")
            case "touch": utimes(box.path("canary/file"), nil)
            case "chmod": chmod(box.path("canary/file"), 0o600)
            case "remove": unlink(box.path("canary/file"))
            case "add": mkfifo(box.path("canary/fifo"), 0o600)
            case "link": try box.link("canary/link", to: "file")
            default: rename(try box.write("other", "untouched\n"), box.path("canary/file"))
            }
            let after = TreeSnapshot(box.directory)
            #expect(!before.differences(to: after, except: []).isEmpty)
            #expect(before.differences(to: after, except: [box.directory]).isEmpty)
        }
    }
}
