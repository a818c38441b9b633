internal import JSON
internal import LinuxSystem
public import OCISpec

extension Spec.Linux.Resources {
    /// Reports what no cgroup can have, in a document of limits alone as in a config.json.
    public func check(_ diagnostics: Diagnostics) { Checks.check(self, diagnostics) }
}

/// Requirements of `linux.resources`.
extension Checks {
    typealias Resources = Spec.Linux.Resources

    func resources() {
        guard let resources = spec.linux?.resources else { return }
        Checks.check(resources, diagnostics)
        Checks.checkLeast(resources, diagnostics)
    }

    /// The unit that systemd makes for the container, with the properties of annotations.
    func systemdUnit() {
        guard request.wantsSystemdUnit else { return }
        _ = request.systemdUnit(isUsers: host.usesUsersSystemd) { sentence, offset in
            diagnostics.error(sentence, at: offset ?? diagnostics.document.root.offset)
        }
    }

    /// The memory of a start with the smallest program: below 160 pages the kernel may kill the init
    /// process, or the program while it is loaded.
    static var leastMemory: Int64 { 256 * PageSize.bytes }

    /// For a container that is about to start, not for a running one.
    private static func checkLeast(_ resources: Resources, _ diagnostics: Diagnostics) {
        var limits: [(bytes: Int64, offset: Int)] = []
        if let limit = resources.memory?.limit { limits.append((limit.value, limit.offset)) }
        for (file, value) in resources.unified where file.value == "memory.max" {
            if let bytes = Int64(value.value) { limits.append((bytes, value.offset)) }
        }
        for limit in limits where (0..<leastMemory).contains(limit.bytes) {
            diagnostics.error(
                "\(limit.bytes) bytes are less than the \(leastMemory) that the start of a container"
                    + " takes; the unit is bytes: write \(256 << 20) for 256M", at: limit.offset)
        }
    }

    /// Also for a document with limits only.
    static func check(_ resources: Resources, _ diagnostics: Diagnostics) {
        for rule in resources.devices { check(rule, diagnostics) }
        if let memory = resources.memory { check(memory, diagnostics) }
        if let cpu = resources.cpu { check(cpu, diagnostics) }
        require(
            resources.pids, (-1)..., "is not a number of processes; -1 is no limit", diagnostics)
        if let blockIO = resources.blockIO { check(blockIO, diagnostics) }
        for limit in resources.hugepageLimits { check(limit, diagnostics) }
        for (name, _) in resources.network?.priorities ?? [] where !isWord(name.value) {
            diagnostics.error("\"\(name.value)\" is not a network interface", at: name.offset)
        }
        for limit in resources.rdma where !isWord(limit.device.value) {
            diagnostics.error("\"\(limit.device.value)\" is not a device", at: limit.device.offset)
        }
        for (file, _) in resources.unified { checkUnified(file, diagnostics) }
    }

    private static func require<Number: FixedWidthInteger>(
        _ number: Located<Number>?, _ allowed: some RangeExpression<Number>, _ words: String,
        _ diagnostics: Diagnostics
    ) {
        guard let number, !allowed.contains(number.value) else { return }
        diagnostics.error("\(number.value) \(words)", at: number.offset)
    }

    private static func isWord(_ name: String) -> Bool {
        !name.isEmpty && !name.contains { $0 == " " || $0 == "\n" || $0 == "\t" }
    }

    private static func checkUnified(_ file: Located<String>, _ diagnostics: Diagnostics) {
        let parts = file.value.split(separator: ".", omittingEmptySubsequences: false)
        if file.value.contains("/") || parts.count < 2 || parts.contains("") {
            diagnostics.error(
                "\"\(file.value)\" is not a file of a cgroup; write CONTROLLER.PARAMETER, as"
                    + " memory.high", at: file.offset)
        }
        let members = ["cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze"]
        if members.contains(file.value) {
            diagnostics.error("is the runtime's own to write; remove it", at: file.offset)
        }
    }

    // MARK: Devices

    private static func check(_ rule: Resources.DeviceRule, _ diagnostics: Diagnostics) {
        if let type = rule.type, !["", "a", "b", "c"].contains(type.value) {
            diagnostics.error(
                "\"\(type.value)\" is not a type of devices; allowed are a, b, c", at: type.offset)
        }
        let access = rule.access?.value ?? ""
        if access.isEmpty || access.contains(where: { !"rwm".contains($0) }) {
            let message = "\"\(access)\" is not an access to devices; write letters out of rwm"
            if let place = rule.access {
                diagnostics.error(message, at: place.offset)
            } else {
                diagnostics.error(
                    "is missing; write letters out of rwm", at: rule.offset, member: "access")
            }
        }
        for number in [rule.major, rule.minor].compactMap({ $0 })
        where number.value != -1 && UInt32(exactly: number.value) == nil {
            diagnostics.error(
                "\(number.value) is not a device's number; they go up to \(UInt32.max)",
                at: number.offset)
        }
    }

    // MARK: Memory

    private static func check(_ memory: Resources.Memory, _ diagnostics: Diagnostics) {
        for bytes in [memory.limit, memory.reservation, memory.swap] {
            require(bytes, (-1)..., "is not a number of bytes; -1 is no limit", diagnostics)
        }
        if let swap = memory.swap, let limit = memory.limit, swap.value > 0,
            limit.value > swap.value
        {
            diagnostics.error(
                "memory+swap limit should be >= memory limit; \(swap.value) is below"
                    + " \(limit.value)", at: swap.offset)
        }
        for kernel in [memory.kernel, memory.kernelTCP].compactMap({ $0 }) where kernel.value > 0 {
            diagnostics.warning(
                "has no effect: kernels limit it together with the rest", at: kernel.offset)
        }
        require(memory.swappiness, ...100, "is not from 0 to 100", diagnostics)
    }

    // MARK: CPU

    private static func check(_ cpu: Resources.CPU, _ diagnostics: Diagnostics) {
        if let quota = cpu.quota, quota.value < -1 || (1..<1000).contains(quota.value) {
            diagnostics.error(
                "\(quota.value) is not a quota: the least is 1000 microseconds, -1 is no limit",
                at: quota.offset)
        }
        require(
            cpu.period, 1000...1_000_000, "is not from 1000 to 1000000 microseconds", diagnostics)
        if let burst = cpu.burst, let quota = cpu.quota, quota.value > 0,
            burst.value > UInt64(quota.value)
        {
            diagnostics.error(
                "\(burst.value) is above the quota, \(quota.value)", at: burst.offset)
        }
        require(cpu.realtimeRuntime, (-1)..., "is not a time; -1 is no limit", diagnostics)
        require(cpu.idle, 0...1, "is neither 0 nor 1", diagnostics)
        for list in [cpu.cpus, cpu.mems].compactMap({ $0 }) where !isList(list.value) {
            diagnostics.error(
                "\"\(list.value)\" is not a list of numbers, as 0-3,7", at: list.offset)
        }
    }

    /// `0-3,7`, as the kernel reads it.
    private static func isList(_ text: String) -> Bool {
        text.isEmpty
            || text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { range in
                let ends = range.split(separator: "-", omittingEmptySubsequences: false)
                let numbers = ends.compactMap { UInt32($0.filter { $0 != " " }) }
                return numbers.count == ends.count && numbers.count <= 2
                    && numbers.first ?? 0 <= numbers.last ?? 0
            }
    }

    // MARK: Block I/O

    private static func check(_ blockIO: Resources.BlockIO, _ diagnostics: Diagnostics) {
        var weights = [blockIO.weight, blockIO.leafWeight]
        var numbers: [Located<Int64>] = []
        for device in blockIO.weightDevice {
            if device.weight == nil && device.leafWeight == nil {
                diagnostics.error("needs \"weight\" or \"leafWeight\"", at: device.offset)
            }
            weights += [device.weight, device.leafWeight]
            numbers += [device.major, device.minor]
        }
        for weight in weights where weight?.value != 0 {
            require(weight, 10...1000, "is not from 10 to 1000", diagnostics)
        }
        for device in blockIO.throttleReadBpsDevice + blockIO.throttleWriteBpsDevice
            + blockIO.throttleReadIOPSDevice + blockIO.throttleWriteIOPSDevice
        {
            numbers += [device.major, device.minor]
        }
        for number in numbers where UInt32(exactly: number.value) == nil {
            diagnostics.error("\(number.value) is not a device's number", at: number.offset)
        }
    }

    // MARK: Huge pages

    private static func check(_ limit: Resources.HugepageLimit, _ diagnostics: Diagnostics) {
        let size = limit.pageSize.value
        let digits = size.dropLast(2)
        let isSize =
            ["KB", "MB", "GB"].contains(size.suffix(2)) && digits.first != "0"
            && UInt32(digits) != nil
        if !isSize {
            diagnostics.error(
                "\"\(size)\" is not a size of pages; write 64KB, 2MB or 1GB",
                at: limit.pageSize.offset)
        }
    }
}
