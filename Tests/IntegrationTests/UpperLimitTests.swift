import Testing

/// How many files a container may make.
struct UpperLimitTests {
    private static let script = """
        i=0
        while : > $0/x$i; do i=$((i + 1)); done
        echo $i
        """

    /// - Returns: How many files a script has made when there was no space for more.
    private func count(_ box: Sandbox, _ config: Value, in directory: String) throws -> Int {
        var config = config
        config.run(["sh", "-c", Self.script, directory])
        let outcome = try box.run(config)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.error.contains("No space left on device"), "\(outcome)")
        return Int(outcome.output.dropLast()) ?? -1
    }

    /// An empty file has no bytes that a size could count.
    @Test(arguments: [
        ("size", "8M", 2048), ("size", "1k", 1024), ("size", "100%", nil), ("inodes", "300", 300),
    ])
    func `a throw-away upper takes only so many files`(
        _ key: String, _ value: String, _ most: Int?
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["overlay"][key] =
                key == "size" ? .string(value) : .integer(Int64(value) ?? 0)
            guard let most else {
                #expect(try box.run(config).code == 0)
                return
            }
            let made = try count(box, config, in: "")
            #expect(made > most - 32 && made < most, "\(made)")
        }
    }

    @Test func `the runtime's own /dev takes only so many files`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"] = [Config.proc, Config.devpts, Config.sys]
            let made = try count(box, config, in: "/dev")
            #expect(made > 900 && made < 1024, "\(made)")
        }
    }
}
