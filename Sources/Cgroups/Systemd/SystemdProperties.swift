internal import DBus
internal import LinuxSystem
internal import OCISpec

/// `linux.resources` as properties of a unit, as far as systemd has them: otherwise it would put
/// its own values in their place the next time that it looks after the cgroup. All of them, and
/// what it has no property for, are written into the files as well.
struct SystemdProperties {
    private(set) var all: [SystemdProperty] = []
    private let resources: Resources
    private let hierarchies: Hierarchies

    /// - Parameters:
    ///   - current: Of version 2, as the cgroup is now.
    ///   - knowsIdle: Since systemd 252 a weight of 0 is an idle cgroup.
    ///   - knowsPolicy: Since systemd 253 a scope has a policy for its end by want of memory, which
    ///     is told when it is made and not later.
    init(
        _ resources: Resources, _ hierarchies: Hierarchies, current: CurrentValue = { _ in nil },
        knowsIdle: Bool, knowsPolicy: Bool = false
    ) throws(Failure) {
        self.resources = resources
        self.hierarchies = hierarchies
        try addMemory(current)
        addProcessor(knowsIdle)
        addSets()
        if let pids = resources.pids?.value {
            add("TasksMax", pids < 0 ? .max : UInt64(max(pids, 1)))
        }
        addBlockIO()
        for (file, value) in resources.unified { addUnified(file.value, value.value, knowsIdle) }
        if knowsPolicy && resources.killsTogether {
            // Or systemd would write 0 into the file again.
            all.append(SystemdProperty("OOMPolicy", .string("kill")))
        }
    }

    private func isVersion2(_ controller: String) -> Bool {
        hierarchies.version1(with: controller) == nil
    }

    private mutating func add(_ name: String, _ number: UInt64) {
        all.append(SystemdProperty(name, .uint64(number)))
    }

    /// −1 is no limit, as the greatest number is in the interface.
    private mutating func add(_ name: String, limit: Int64?) {
        if let limit { add(name, limit < 0 ? .max : UInt64(limit)) }
    }

    // MARK: Controllers

    private mutating func addMemory(_ current: CurrentValue) throws(Failure) {
        guard let memory = resources.memory else { return }
        guard isVersion2("memory") else { return add("MemoryLimit", limit: memory.limit?.value) }
        add("MemoryMax", limit: memory.limit?.value)
        add("MemoryLow", limit: memory.reservation?.value)
        add("MemorySwapMax", limit: try Version2.swap(memory, current))
    }

    private mutating func addProcessor(_ knowsIdle: Bool) {
        guard let cpu = resources.cpu else { return }
        if cpu.idle?.value == 1 {
            if isVersion2("cpu") && knowsIdle { add("CPUWeight", 0) }
        } else if let shares = cpu.shares?.value {
            if isVersion2("cpu") {
                add("CPUWeight", Version2.weight(shares))
            } else {
                add("CPUShares", shares)
            }
        }
        addQuota(cpu.quota?.value, cpu.period?.value)
    }

    /// The time in a second, in whole hundredths: rounded up, so that a cgroup below may be given
    /// what the container was promised.
    private mutating func addQuota(_ quota: Int64?, _ period: UInt64?) {
        if let period { add("CPUQuotaPeriodUSec", period) }
        guard let quota, quota > 0 else {
            if quota != nil || period != nil { add("CPUQuotaPerSecUSec", .max) }
            return
        }
        let (product, isTooLarge) = UInt64(quota).multipliedReportingOverflow(by: 1_000_000)
        let time = (isTooLarge ? .max : product) / (period ?? 100_000)
        add("CPUQuotaPerSecUSec", isTooLarge ? .max : (time + 9999) / 10_000 * 10_000)
    }

    private mutating func addSets() {
        for (name, list) in [
            ("AllowedCPUs", resources.cpu?.cpus), ("AllowedMemoryNodes", resources.cpu?.mems),
        ] {
            if let list { addSet(name, list.value) }
        }
    }

    /// A bit for each, the first one lowest.
    private mutating func addSet(_ name: String, _ list: String) {
        var bits: [UInt8] = []
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").compactMap { Int($0.filter { $0 != " " }) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 8192 else {
                continue
            }
            if last / 8 >= bits.count {
                bits += [UInt8](repeating: 0, count: last / 8 + 1 - bits.count)
            }
            for number in first...last { bits[number / 8] |= 1 << UInt8(number % 8) }
        }
        all.append(SystemdProperty(name, .bytes(bits)))
    }

    private mutating func addBlockIO() {
        guard let weight = resources.blockIO?.weight?.value else { return }
        if isVersion2("blkio") {
            add("IOWeight", Version2.ioWeight(weight))
        } else {
            add("BlockIOWeight", UInt64(weight))
        }
    }

    // MARK: Files

    /// Files that hold one number, and the property of each.
    private static let numbers = [
        "memory.max": "MemoryMax", "memory.high": "MemoryHigh", "memory.low": "MemoryLow",
        "memory.min": "MemoryMin", "memory.swap.max": "MemorySwapMax", "pids.max": "TasksMax",
    ]

    private mutating func addUnified(_ file: String, _ text: String, _ knowsIdle: Bool) {
        let value = text.split { $0 == " " || $0 == "\n" || $0 == "\t" }.map(String.init)
        func number(_ word: String?) -> UInt64? {
            word == "max" ? .max : word.flatMap { UInt64($0) }
        }
        if let name = SystemdProperties.numbers[file] {
            if let number = number(value.first) { add(name, number) }
            return
        }
        switch file {
        case "cpu.weight":
            let idle = resources.unified.contains {
                $0.file.value == "cpu.idle" && $0.value.value == "1"
            }
            if !idle, let number = number(value.first) { add("CPUWeight", number) }
        case "cpu.idle": if value.first == "1" && knowsIdle { add("CPUWeight", 0) }
        case "cpu.max":
            let quota = value.first == "max" ? -1 : value.first.flatMap { Int64($0) }
            addQuota(quota, value.dropFirst().first.flatMap { UInt64($0) })
        case "cpuset.cpus": addSet("AllowedCPUs", value.joined())
        case "cpuset.mems": addSet("AllowedMemoryNodes", value.joined())
        default: break
        }
    }

    // MARK: Devices

    /// - Parameter names: `/proc/devices`
    static func devices(_ policy: DevicePolicy, names: String) -> [SystemdProperty] {
        if policy.allowsByDefault {
            // systemd has no exceptions from everything; version 2 has the filter besides.
            return [
                SystemdProperty("DevicePolicy", .string("auto")),
                SystemdProperty("DeviceAllow", .array(of: "(ss)", [])),
            ]
        }
        let entries = policy.exceptions.compactMap { device, access -> DBusValue? in
            name(device, names).map { .structure([.string($0), .string(access.letters)]) }
        }
        return [
            SystemdProperty("DevicePolicy", .string("strict")),
            SystemdProperty("DeviceAllow", .array(of: "(ss)", entries)),
        ]
    }

    /// `/dev/char/1:3`, `char-pts`, `block-*`; nil for what systemd has no words for: all devices
    /// of one minor number, and a major number without a driver.
    private static func name(_ device: DevicePolicy.Device, _ names: String) -> String? {
        let kind = device.kind == .block ? "block" : "char"
        switch (device.major, device.minor) {
        case (nil, nil): return "\(kind)-*"
        case (let major?, let minor?): return "/dev/\(kind)/\(major):\(minor)"
        case (let major?, nil):
            return driver(major, isBlock: device.kind == .block, names).map { "\(kind)-\($0)" }
        case (nil, _?): return nil
        }
    }

    private static func driver(_ major: UInt32, isBlock: Bool, _ names: String) -> String? {
        var isInBlock = false
        for line in names.split(separator: "\n") {
            if line.hasPrefix("Block devices") { isInBlock = true }
            let words = line.split(separator: " ", maxSplits: 1)
            if isInBlock == isBlock, words.count == 2, UInt32(words[0]) == major {
                return String(words[1])
            }
        }
        return nil
    }
}
