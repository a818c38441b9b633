public import JSON
public import LinuxSystem

extension ProcessIdentity {
    /// As it is written down: `[4711, 815]`, the pid and when it began.
    public var recorded: JSONOutput {
        .array([.integer(Int64(pid)), .unsigned(startTime)])
    }

    /// Nil for anything else.
    public init?(recorded value: JSONValue) {
        guard let pair = value.pair, let pid = pair.0.integer(Int32.self),
            let start = pair.1.integer(UInt64.self)
        else { return nil }
        self.init(pid: pid, startTime: start)
    }
}
