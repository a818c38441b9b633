import Testing

extension Sandbox {
    /// Runs the prepared bundle to its end with the host's null device as its input and a file of
    /// the host, `log`, as its output.
    ///
    /// - Returns: What the probe in it reported there.
    func runBetweenNullAndLog() throws -> Value {
        try write("log", "")
        try withContainer(id()) {
            let outcome = try Running(
                "/bin/sh",
                [
                    "-c", "\"$@\" </dev/null >\(path("log"))", "sh", Host.runtime, "--root",
                    stateRoot, "run", "--bundle", bundle, id(),
                ]
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
        }
        return try Value(parsing: read("log"))
    }
}
