internal import LinuxSystem
internal import OCISpec

/// The terms of version 2 of cgroups that differ from those of `linux.resources`, which has those of
/// version 1.
enum Version2 {
    /// Those that a kernel may have.
    static let controllers = [
        "cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc", "dmem",
    ]

    /// The name that version 2 has for a controller of version 1.
    static func name(_ controller: String) -> String {
        controller == "blkio" ? "io" : controller == "cpuacct" ? "cpu" : controller
    }

    static func words(_ limit: some FixedWidthInteger) -> String {
        limit < 0 ? "max" : "\(limit)"
    }

    /// The specification counts memory and swap together, version 2 swap alone; −1 is no limit.
    ///
    /// - Returns: Nil where no limit is asked for.
    static func swap(
        _ memory: Resources.Memory, _ current: CurrentValue
    ) throws(Failure) -> Int64? {
        guard let both = memory.swap?.value else { return memory.limit?.value == -1 ? -1 : nil }
        if both == -1 { return -1 }
        guard let limit = memory.limit?.value ?? current("memory.max").flatMap({ Int64($0) }) else {
            throw Failure(
                "unable to set swap limit without memory limit; add memory.limit")
        }
        if limit == -1 { return both }
        if both < limit {
            throw Failure(
                "memory+swap limit should be >= memory limit; \(both) is below \(limit)")
        }
        return both - limit
    }

    /// In version 1 the kernel refuses such a limit; in version 2 it kills processes.
    static func checkUsage(
        _ memory: Resources.Memory?, _ current: CurrentValue
    ) throws(Failure) {
        guard let memory, memory.checkBeforeUpdate?.value == true,
            let usage = current("memory.current").flatMap({ Int64($0) })
        else { return }
        for (field, words, limit) in [
            ("memory.swap", "memory+swap", memory.swap), ("memory.limit", "memory", memory.limit),
        ] {
            guard let limit = limit?.value, limit > 0, limit <= usage else { continue }
            throw Failure("\(field): rejecting \(words) limit \(limit) <= usage \(usage)")
        }
    }

    /// Shares of version 1 (2…262144, by default 1024) as a weight (1…10000, by default 100): a
    /// curve through the least, the default and the most, as other runtimes have it.
    static func weight(_ shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let logarithm = Exponential.log2(Double(shares))
        let exponent = (logarithm * logarithm + 125 * logarithm) / 612 - 7.0 / 34
        return UInt64(Exponential.power(ofTen: exponent).rounded(.up))
    }

    /// 10…1000 spread over 1…10000.
    static func ioWeight(_ weight: UInt16) -> UInt64 {
        1 + (UInt64(max(weight, 10)) - 10) * 9999 / 990
    }

    /// The files that the config names itself.
    ///
    /// - Throws: For a file of a controller that version 2 does not have on this host.
    static func unified(
        _ resources: Resources, _ hierarchies: Hierarchies
    ) throws(Failure) -> [Assignment] {
        var found: [Assignment] = []
        for (file, value) in resources.unified.map({ ($0.file.value, $0.value.value) }) {
            let controller = String(file.prefix { $0 != "." })
            guard hierarchies.version2Offers(controller) else {
                throw Failure(
                    "invalid configuration: unified.\(file): "
                        + MissingController(controller, hierarchies, wantsVersion2: true).sentence)
            }
            for line in value.split(separator: "\n") {
                found.append(
                    Assignment([.init(file: file, value: String(line))], "unified." + file))
            }
        }
        return found
    }
}
