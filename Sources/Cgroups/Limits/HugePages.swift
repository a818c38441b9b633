internal import LinuxSystem

/// The sizes of huge pages that this kernel has, as the files of hugetlb are named: `2MB`.
enum HugePages {
    static var sizes: [String] {
        let names = (try? HostPath.directories(in: "/sys/kernel/mm/hugepages")) ?? []
        return names.compactMap(size).sorted()
    }

    /// - Parameter directory: `hugepages-2048kB`
    static func size(_ directory: String) -> String? {
        guard directory.hasPrefix("hugepages-"), directory.hasSuffix("kB"),
            let kilobytes = UInt64(directory.dropFirst(10).dropLast(2))
        else { return nil }
        if kilobytes >= 1 << 20 { return "\(kilobytes >> 20)GB" }
        return kilobytes >= 1 << 10 ? "\(kilobytes >> 10)MB" : "\(kilobytes)KB"
    }
}
