import Glibc
import Testing

/// Limits of memory below what a start takes (A5).
struct MemoryFloorTests {
    private func config(_ box: Sandbox, _ limit: Int64) -> Value {
        var config = box.config()
        config["linux"]["resources"]["memory"]["limit"] = .integer(limit)
        config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)")
        return config
    }

    /// "256" is what people write for 256M.
    @Test(arguments: [1, 256, 4096, 8192, 65_536, 131_072, 200_000] as [Int64])
    func `are an error that names the unit and the least`(_ limit: Int64) throws {
        try Sandbox.use { box in
            for command in [[], ["run"], ["lint"]] {
                try box.prepare(config(box, limit), arguments: ["/bin/true"])
                let file = box.path("bundle/config.json")
                let words = command == ["run"] ? ["run", box.id()] : command + [file]
                let outcome = try box.runCommand(words)
                #expect(outcome.code == (command.isEmpty ? 125 : 1), "\(outcome)")
                let said = outcome.output + outcome.error
                #expect(said.contains("\(limit) bytes are less than the "), "\(outcome)")
                #expect(said.contains("the unit is bytes: write 268435456 for 256M"))
            }
        }
    }

    private static var least: Int64 { 256 * Int64(sysconf(CInt(_SC_PAGESIZE))) }

    @Test func `the least works`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(
                config(box, MemoryFloorTests.least), arguments: ["/bin/busybox", "true"])
            #expect(outcome.code == 0, "\(outcome)")
        }
    }

    /// The config's own limit is enough, that of the group above is not.
    @Test func `out of memory before the program runs is said so`() throws {
        guard let mount = ControlGroups.mounts.first(where: { $0.controllers.contains("memory") })
        else { try skip("the memory controller is not one of version 1 here; make test-vm") }
        try Sandbox.use { box in
            let above = mount.path + "/" + box.controlGroup + "-above"
            #expect(mkdir(above, 0o755) == 0)
            defer { rmdir(above) }
            let file = open(above + "/memory.limit_in_bytes", O_WRONLY | O_CLOEXEC)
            #expect(write(file, "65536", 5) == 5)
            close(file)
            var config = config(box, 64 << 20)
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)-above/box")
            try box.prepare(config, arguments: ["/bin/true"])
            for words in [[box.path("bundle/config.json")], ["run", box.id()]] {
                let outcome = try box.launch(words).finish(seconds: 20)
                #expect(outcome.code == (words.count == 1 ? 125 : 1), "\(outcome)")
                #expect(outcome.error.contains("a control group above the run's"), "\(outcome)")
                #expect(outcome.error.contains("the run itself was not reached"), "\(outcome)")
                #expect(box.containers.isEmpty)
            }
        }
    }
}
