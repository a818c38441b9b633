/// What a run has used, as its control group counts it.
extension ControlGroup {
    /// Figures of the whole life of the control group. One is nil where no controller counts it.
    public struct Account: Sendable, Hashable {
        public var usage = Usage()
        /// Nanoseconds in user mode, and in kernel mode.
        public var userTime: UInt64?
        public var systemTime: UInt64?
        /// Nanoseconds for which the processes were kept from running by `cpu.quota`.
        public var throttledTime: UInt64?
        /// Bytes of memory by their kind, now.
        public var anonymous: UInt64?
        public var cache: UInt64?
        public var shared: UInt64?
        /// How often a process or thread was refused at the limit.
        public var refusedProcesses: UInt64?
        /// Bytes read from, and written to, block devices.
        public var bytesRead: UInt64?
        public var bytesWritten: UInt64?
        /// Nanoseconds for which some process waited for it.
        public var processorPressure: UInt64?
        public var memoryPressure: UInt64?
        public var ioPressure: UInt64?

        public init() {}
    }

    /// Reads them: a dozen files of the kernel.
    public var account: Account {
        let texts = TextsRead()
        func files(_ controller: String) -> CounterFiles? {
            directory(of: controller).map {
                CounterFiles(directory: $0.path, isVersion2: $0.isVersion2, texts: texts)
            }
        }
        var account = Account()
        account.usage = usage
        if let files = files("cpuacct") { account.takeTimes(files) }
        if let files = files("cpu") { account.takeThrottling(files) }
        if let files = files("memory") { account.takeMemory(files) }
        if let files = files("pids") {
            account.refusedProcesses = files.value("pids.events", "max")
        }
        if let files = files("blkio") { account.takeDevices(files) }
        return account
    }

    /// Nanoseconds of processor time; nil where no controller counts it.
    public var processorTime: UInt64? {
        guard let (directory, isVersion2) = directory(of: "cpuacct") else { return nil }
        return isVersion2
            ? GroupFile.value(directory, "cpu.stat", key: "usage_usec").map { $0 * 1000 }
            : GroupFile.read(directory, "cpuacct.usage").flatMap { UInt64($0) }
    }

    /// The version of cgroups in which `controller` (by its name in version 1) has a say; nil for
    /// none.
    public func version(of controller: String) -> Int? {
        directory(of: controller).map { $0.isVersion2 ? 2 : 1 }
    }
}

extension ControlGroup.Account {
    fileprivate mutating func takeTimes(_ files: CounterFiles) {
        if files.isVersion2 {
            userTime = files.value("cpu.stat", "user_usec").map { $0 * 1000 }
            systemTime = files.value("cpu.stat", "system_usec").map { $0 * 1000 }
        } else {
            userTime = files.number("cpuacct.usage_user")
            systemTime = files.number("cpuacct.usage_sys")
        }
    }

    fileprivate mutating func takeThrottling(_ files: CounterFiles) {
        throttledTime =
            files.isVersion2
            ? files.value("cpu.stat", "throttled_usec").map { $0 * 1000 }
            : files.value("cpu.stat", "throttled_time")
        processorPressure = stalled(files, "cpu.pressure")
    }

    fileprivate mutating func takeMemory(_ files: CounterFiles) {
        if files.isVersion2 {
            anonymous = files.value("memory.stat", "anon")
            cache = files.value("memory.stat", "file")
            shared = files.value("memory.stat", "shmem")
        } else {
            anonymous = files.value("memory.stat", "total_rss")
            cache = files.value("memory.stat", "total_cache")
            shared = files.value("memory.stat", "total_shmem")
        }
        memoryPressure = stalled(files, "memory.pressure")
    }

    fileprivate mutating func takeDevices(_ files: CounterFiles) {
        if files.isVersion2 {
            let words = files.table("io.stat").flatMap { $0 }
            // A file that is there and empty: nothing was read, nothing written.
            guard files.exists("io.stat") else { return }
            bytesRead = sum(words, "rbytes=")
            bytesWritten = sum(words, "wbytes=")
            ioPressure = stalled(files, "io.pressure")
        } else {
            let lines = files.table("blkio.throttle.io_service_bytes").filter { $0.count == 3 }
            guard files.exists("blkio.throttle.io_service_bytes") else { return }
            bytesRead = lines.filter { $0[1] == "Read" }.reduce(0) { $0 + (UInt64($1[2]) ?? 0) }
            bytesWritten = lines.filter { $0[1] == "Write" }.reduce(0) { $0 + (UInt64($1[2]) ?? 0) }
        }
    }

    private func sum(_ words: [Substring], _ key: String) -> UInt64 {
        words.filter { $0.hasPrefix(key) }.reduce(0) {
            $0 + (UInt64($1.dropFirst(key.count)) ?? 0)
        }
    }

    /// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`: microseconds.
    private func stalled(_ files: CounterFiles, _ name: String) -> UInt64? {
        guard files.isVersion2,
            let total = files.table(name).first(where: { $0.first == "some" })?.last,
            total.hasPrefix("total=")
        else { return nil }
        return UInt64(total.dropFirst(6)).map { $0 * 1000 }
    }
}
